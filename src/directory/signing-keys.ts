import { insertSigningKey, listSigningKeys } from '../store/signing-keys.ts'
import type { Directory } from './directory.ts'
import { read } from './unit.ts'

/** A key of our own token issuer: its halves as JWK text. */
export interface SigningKey {
  readonly kid: string
  readonly publicJwk: string
  readonly privateJwk: string
}

/** The signing keys, newest first. The first start makes one: `make` is called when there is none. */
export async function getSigningKeys(dir: Directory, make: () => Promise<SigningKey>): Promise<SigningKey[]> {
  const kept = await read(dir, listSigningKeys)
  if (kept.length > 0) {
    return kept.map(({ kid, publicJwk, sealedPrivate }) => ({
      kid,
      publicJwk,
      privateJwk: dir.sealer.open(sealedPrivate, identityOf(kid)),
    }))
  }
  const key = await make()
  const sealedPrivate = dir.sealer.seal(key.privateJwk, identityOf(key.kid))
  const now = dir.now().toISOString()
  await dir.store.write((tx) =>
    insertSigningKey(tx, { kid: key.kid, publicJwk: key.publicJwk, sealedPrivate }, now),
  )
  return [key]
}

function identityOf(kid: string): string {
  return `signing-key:${kid}`
}
