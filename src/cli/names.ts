import { renamePath } from '../model/error.ts'

/** The option or argument that sets each member of the model. */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  name: '--name',
  firstName: '--first-name',
  lastName: '--last-name',
  email: '--email',
  groupIds: '--group',
  'groupIds[]': '--group',
  customerId: '--organization',
  organizationId: '--organization',
  orgIds: '--org',
  'orgIds[]': '--org',
  externalId: '--external-id',
  previousUntil: '--until',
  domain: '<domain>',
  provider: '--provider',
  portal: '--portal',
  url: '--url',
  replayFrom: '--from',
  'operations[]': '--operation',
  operations: '--operation',
}

/** Translates the path of an issue to the option that set it, for example `orgIds[0]` to `--org`. */
export function toOptionName(path: string): string {
  return renamePath(path, OPTION_NAMES)
}
