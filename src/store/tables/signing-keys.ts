import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** A signing key of Usher's own token issuer, with its private part encrypted. Times are ISO 8601. */
export interface SealedSigningKey {
  readonly kid: string
  readonly publicJwk: string
  readonly sealedPrivate: string
  readonly createdAt: string
  /** The time from which it signs, unless a newer key does. */
  readonly signsAt: string
  /** The time until which it is published; null if no newer key replaces it. */
  readonly expiresAt: string | null
}

const selectPublished = statement((db, p: { now: string }) =>
  db
    .selectFrom('signing_keys')
    .select([
      'kid',
      'public_jwk as publicJwk',
      'sealed_private as sealedPrivate',
      'created_at as createdAt',
      'signs_at as signsAt',
      'expires_at as expiresAt',
    ])
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', p.now)]))
    .orderBy('pk', 'desc'),
)

/** Returns the signing keys that are published, newest first. */
export async function selectSigningKeys(tx: Tx, now: string): Promise<SealedSigningKey[]> {
  return tx.all(selectPublished, { now })
}

const insert = statement((db, p: SealedSigningKey) =>
  db.insertInto('signing_keys').values({
    kid: p.kid,
    public_jwk: p.publicJwk,
    sealed_private: p.sealedPrivate,
    created_at: p.createdAt,
    signs_at: p.signsAt,
    expires_at: p.expiresAt,
  }),
)

/** Inserts a signing key. */
export async function insertSigningKey(tx: Tx, key: SealedSigningKey): Promise<void> {
  await tx.run(insert, key)
}

const expire = statement((db, p: { expiresAt: string }) =>
  db.updateTable('signing_keys').set({ expires_at: p.expiresAt }).where('expires_at', 'is', null),
)

/** Ends the publication of all signing keys at a time. A key that already has an end keeps it. */
export async function expireSigningKeys(tx: Tx, expiresAt: string): Promise<void> {
  await tx.run(expire, { expiresAt })
}

const deleteAll = statement((db) => db.deleteFrom('signing_keys'))

/** Deletes all signing keys. */
export async function deleteSigningKeys(tx: Tx): Promise<void> {
  await tx.run(deleteAll, {})
}

const deleteExpired = statement((db, p: { now: string }) =>
  db.deleteFrom('signing_keys').where('expires_at', '<=', p.now),
)

/** Deletes the signing keys whose publication has ended. */
export async function deleteExpiredSigningKeys(tx: Tx, now: string): Promise<void> {
  await tx.run(deleteExpired, { now })
}
