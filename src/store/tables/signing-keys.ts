import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** A signing key of Usher's own token issuer, with its private part encrypted. */
export interface SealedSigningKey {
  readonly kid: string
  readonly publicJwk: string
  readonly sealedPrivate: string
}

const selectAll = statement((db) =>
  db
    .selectFrom('signing_keys')
    .select(['kid', 'public_jwk as publicJwk', 'sealed_private as sealedPrivate'])
    .orderBy('pk', 'desc'),
)

/** Returns the signing keys, newest first. */
export async function selectSigningKeys(tx: Tx): Promise<SealedSigningKey[]> {
  return tx.all(selectAll, {})
}

const insert = statement((db, p: SealedSigningKey & { now: string }) =>
  db
    .insertInto('signing_keys')
    .values({ kid: p.kid, public_jwk: p.publicJwk, sealed_private: p.sealedPrivate, created_at: p.now }),
)

/** Inserts a signing key. */
export async function insertSigningKey(tx: Tx, key: SealedSigningKey, now: string): Promise<void> {
  await tx.run(insert, { ...key, now })
}
