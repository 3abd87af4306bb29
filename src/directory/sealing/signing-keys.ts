import { takeLock } from '../../store/tables/locks.ts'
import { insertSigningKey, selectSigningKeys } from '../../store/tables/signing-keys.ts'
import type { Directory } from '../directory.ts'
import { read, write } from '../unit.ts'

/** A key of our own token issuer: its halves as JWK text. */
export interface SigningKey {
  readonly kid: string
  readonly publicJwk: string
  readonly privateJwk: string
}

/**
 * The signing keys, newest first. The first start makes one: `make` is called when there is none. Of several first
 * starts one wins.
 */
export async function getSigningKeys(dir: Directory, make: () => Promise<SigningKey>): Promise<SigningKey[]> {
  const kept = await listKeys(dir)
  if (kept.length > 0) return kept
  const { kid, publicJwk, privateJwk } = await make()
  const now = dir.now().toISOString()
  await write(dir, async (tx) => {
    await takeLock(tx, 'first-signing-key', now)
    const others = await selectSigningKeys(tx)
    if (others.length > 0) return
    // Here and not before: while the unit waited, the master key may have been rotated.
    const sealedPrivate = dir.sealer.seal(privateJwk, signingKeyIdentity(kid))
    await insertSigningKey(tx, { kid, publicJwk, sealedPrivate }, now)
  })
  return listKeys(dir)
}

async function listKeys(dir: Directory): Promise<SigningKey[]> {
  const kept = await read(dir, selectSigningKeys)
  return kept.map(({ kid, publicJwk, sealedPrivate }) => ({
    kid,
    publicJwk,
    privateJwk: dir.sealer.open(sealedPrivate, signingKeyIdentity(kid)),
  }))
}

/** What a signing key's private half is bound to. */
export function signingKeyIdentity(kid: string): string {
  return `signing-key:${kid}`
}
