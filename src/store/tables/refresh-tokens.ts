import { sql } from 'kysely'
import type { Client } from '../../model/clients.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { selectClients, toClient } from './clients.ts'

/** A refresh token as it is listed. The token itself is not stored. */
export interface RefreshToken {
  readonly id: string
  readonly clientId: string
  readonly createdAt: string
  readonly expiresAt: string
  readonly revokedAt: string | null
}

const insert = statement((db, p: { id: string; client: number; now: string; expiresAt: string }) =>
  db
    .insertInto('refresh_tokens')
    .values({ id: p.id, client_pk: p.client, created_at: p.now, expires_at: p.expiresAt }),
)

/** Inserts a refresh token of a client. `id` is the token's `jti`; times are ISO 8601. */
export async function insertRefreshToken(
  tx: Tx,
  token: { id: string; client: number; now: string; expiresAt: string },
): Promise<void> {
  await tx.run(insert, token)
}

const selectClientOf = statement((db, p: { id: string; now: string }) =>
  selectClients(db)
    .innerJoin('refresh_tokens', 'refresh_tokens.client_pk', 'clients.pk')
    .where('refresh_tokens.id', '=', p.id)
    .where('refresh_tokens.revoked_at', 'is', null)
    .where('refresh_tokens.expires_at', '>', p.now),
)

/** Returns the client of a refresh token, unless the token was revoked or has expired, or the client was removed. */
export async function selectClientOfRefreshToken(
  tx: Tx,
  id: string,
  now: string,
): Promise<Client | undefined> {
  const row = await tx.get(selectClientOf, { id, now })
  return row && toClient(row)
}

const selectAll = statement((db, p: { now: string }) =>
  db
    .selectFrom('refresh_tokens')
    .innerJoin('clients', 'clients.pk', 'refresh_tokens.client_pk')
    .select([
      'refresh_tokens.id',
      'clients.id as clientId',
      'refresh_tokens.created_at as createdAt',
      'refresh_tokens.expires_at as expiresAt',
      // The tokens of a removed client are revoked with it.
      (eb) => eb.fn.coalesce('refresh_tokens.revoked_at', 'clients.deleted_at').as('revokedAt'),
    ])
    .where('refresh_tokens.expires_at', '>', p.now)
    .orderBy('refresh_tokens.pk'),
)

/** Returns the refresh tokens that have not expired, oldest first, revoked tokens included. */
export async function selectRefreshTokens(tx: Tx, now: string): Promise<RefreshToken[]> {
  return tx.all(selectAll, { now })
}

const revoke = statement((db, p: { id: string; now: string }) =>
  db
    .updateTable('refresh_tokens')
    .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', sql.val(p.now)) }))
    .where('id', '=', p.id),
)

/** Revokes a refresh token. A revoked token keeps the time of its first revocation. Returns false for an unknown id. */
export async function markRefreshTokenRevoked(tx: Tx, id: string, now: string): Promise<boolean> {
  return (await tx.run(revoke, { id, now })) === 1
}

const deleteExpired = statement((db, p: { now: string }) =>
  db.deleteFrom('refresh_tokens').where('expires_at', '<=', p.now),
)

/** Deletes refresh tokens that have expired. */
export async function deleteExpiredRefreshTokens(tx: Tx, now: string): Promise<void> {
  await tx.run(deleteExpired, { now })
}
