import type { Directory } from '../directory/directory.ts'
import { replaceSigningKeys } from '../directory/sealing/signing-keys.ts'
import type { Context } from '../model/context.ts'
import { makeSigningKey, TOKEN_SECONDS } from './issuer.ts'

/** How long a new key is published before it signs: several reads, also for a process whose first read fails. */
const SIGNS_AFTER_MS = 10_000
/** How long an old key is published after that: as long as a token lives, and a minute for clocks that differ. */
const KEEP_MS = TOKEN_SECONDS * 1000 + 60_000

/**
 * Replaces the signing key. Without `now`, the new key signs once every process knows it, and the old one is published
 * until the last of its tokens has expired. With `now`, the new key signs at once and the old one is deleted, so that
 * its tokens are refused within 5 s.
 * @returns the id of the new key
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export async function rotateSigningKey(
  dir: Directory,
  ctx: Context,
  { now }: { readonly now: boolean },
): Promise<string> {
  const key = await makeSigningKey()
  const times = now ? { signsAfterMs: 0, keepMs: null } : { signsAfterMs: SIGNS_AFTER_MS, keepMs: KEEP_MS }
  await replaceSigningKeys(dir, ctx, { key, ...times })
  return key.kid
}
