import { renamePath } from '../../model/error.ts'

/** The partner portal's names of members that have another name in the model. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  'groupIds[]': 'groups[].id',
  idempotencyKey: 'Idempotency-Key',
}

/**
 * Translates the path of an issue, for example `groupIds[2]` to `groups[2].id`. Paths in wire names stay as they are.
 */
export function toWireName(path: string): string {
  return renamePath(path, WIRE_NAMES)
}
