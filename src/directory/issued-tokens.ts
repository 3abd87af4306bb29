import type { Context } from '../model/context.ts'
import type { Directory } from './directory.ts'
import { runUnit } from './unit.ts'

/**
 * Records that the calling client gets an access token of the partner portal. Call it before the token is handed out.
 * @param id the token's `jti`
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function recordIssuedToken(dir: Directory, ctx: Context, id: string): Promise<void> {
  return runUnit(dir, ctx, { operation: 'IssueToken', target: id }, (unit) =>
    unit.audit({ outcome: 'issued' }),
  )
}
