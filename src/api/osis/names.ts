import { renamePath } from '../../model/error.ts'

/** OSIS's names of members that have another name in the model. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  orgId: 'cd_tenant_id',
  orgUserId: 'cd_user_id',
  orgIds: 'cd_tenant_ids',
  'orgIds[]': 'cd_tenant_ids[]',
  accessKey: 'access_key',
}

/**
 * Translates the path of an issue, for example `orgIds[0]` to `cd_tenant_ids[0]`. Paths in wire names stay as they are.
 */
export function toWireName(path: string): string {
  return renamePath(path, WIRE_NAMES)
}
