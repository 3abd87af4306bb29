import { takeLock } from '../../store/tables/locks.ts'
import { insertSigningKey, selectSigningKeys } from '../../store/tables/signing-keys.ts'
import type { Directory } from '../directory.ts'
import { read, write } from '../unit.ts'

/** A key pair of Usher's own token issuer, as JWK texts (RFC 7517). */
export interface SigningKey {
  readonly kid: string
  readonly publicJwk: string
  readonly privateJwk: string
}

/**
 * Returns the signing keys, newest first. If there are none, inserts one that `make` returns. If several processes
 * start at the same time, only one of them inserts its key.
 * @throws {DirectoryError} `store_unavailable`
 * @throws {SealError} when the master keys do not open a key
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
    // Sealed inside the unit: the master key may be rotated while the unit waits.
    const sealedPrivate = dir.sealer.seal(privateJwk, signingKeyIdentity(kid, publicJwk))
    await insertSigningKey(tx, { kid, publicJwk, sealedPrivate }, now)
  })
  return listKeys(dir)
}

async function listKeys(dir: Directory): Promise<SigningKey[]> {
  const kept = await read(dir, selectSigningKeys)
  return kept.map(({ kid, publicJwk, sealedPrivate }) => ({
    kid,
    publicJwk,
    privateJwk: dir.sealer.open(sealedPrivate, signingKeyIdentity(kid, publicJwk)),
  }))
}

/**
 * Returns the identity that the private half of a signing key is bound to. It contains the public half, so that a public
 * half of another key is refused.
 */
export function signingKeyIdentity(kid: string, publicJwk: string): string {
  return `signing-key:${kid}:${publicJwk}`
}
