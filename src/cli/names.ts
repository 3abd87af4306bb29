import { renamePath } from '../model/error.ts'

/** The option that sets each member of a company. */
export const COMPANY_OPTIONS = {
  companyName: '--name',
  taxId: '--tax-id',
  country: '--country',
  addressLine1: '--address-line1',
  addressLine2: '--address-line2',
  city: '--city',
  state: '--state',
  zip: '--zip',
  firstName: '--first-name',
  middleName: '--middle-name',
  lastName: '--last-name',
  email: '--email',
  phone: '--phone',
} as const

/** The option or argument that sets each member of the model. */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  ...COMPANY_OPTIONS,
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
  internalIdentifier: '--identifier',
  fromResellerId: '--from',
  previousUntil: '--until',
  domain: '<domain>',
  provider: '--provider',
  portal: '--portal',
  url: '--url',
  replayFrom: '--from',
  'operations[]': '--operation',
  operations: '--operation',
  after: '--after',
  continuationToken: '--continue',
}

/** Translates the path of an issue to the option that set it, for example `orgIds[0]` to `--org`. */
export function toOptionName(path: string): string {
  return renamePath(path, OPTION_NAMES)
}
