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
  /** Whether the hash of the token is recorded: not for a token of version 0.1.0 that was not used since. */
  readonly recorded: boolean
}

interface NewRefreshToken {
  readonly id: string
  readonly client: number
  readonly hash: string
  readonly now: string
  readonly expiresAt: string
}

const insert = statement((db, p: NewRefreshToken) =>
  db.insertInto('refresh_tokens').values({
    id: p.id,
    client_pk: p.client,
    token_hash: p.hash,
    created_at: p.now,
    expires_at: p.expiresAt,
  }),
)

/** Inserts a refresh token of a client. `id` is the token's `jti`, `hash` its SHA-256; times are ISO 8601. */
export async function insertRefreshToken(tx: Tx, token: NewRefreshToken): Promise<void> {
  await tx.run(insert, token)
}

const selectById = statement((db, p: { id: string }) =>
  selectClients(db)
    .innerJoin('refresh_tokens', 'refresh_tokens.client_pk', 'clients.pk')
    .select(['refresh_tokens.token_hash', 'refresh_tokens.revoked_at', 'refresh_tokens.expires_at'])
    .where('refresh_tokens.id', '=', p.id),
)

/** A refresh token with its client. */
export interface OwnedRefreshToken {
  readonly client: Client
  /** The SHA-256 of the token; null for a token of version 0.1.0 that was not used since. */
  readonly hash: string | null
  readonly expiresAt: string
  readonly revokedAt: string | null
}

/** Returns a refresh token, also one that was revoked or has expired, unless its client was removed. */
export async function selectRefreshToken(tx: Tx, id: string): Promise<OwnedRefreshToken | undefined> {
  const row = await tx.get(selectById, { id })
  return (
    row && {
      client: toClient(row),
      hash: row.token_hash,
      expiresAt: row.expires_at,
      revokedAt: row.revoked_at,
    }
  )
}

const setHash = statement((db, p: { id: string; hash: string; now: string }) =>
  db
    .updateTable('refresh_tokens')
    .set({ token_hash: p.hash })
    .where('id', '=', p.id)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', p.now)
    .where((eb) => eb.or([eb('token_hash', 'is', null), eb('token_hash', '=', p.hash)])),
)

/**
 * Records the hash of a refresh token, if its row has none.
 * @returns whether the token is the one that the row stands for, and is neither revoked nor expired
 */
export async function markRefreshTokenUsed(
  tx: Tx,
  token: { id: string; hash: string; now: string },
): Promise<boolean> {
  return (await tx.run(setHash, token)) === 1
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
      'refresh_tokens.token_hash as hash',
    ])
    .where('refresh_tokens.expires_at', '>', p.now)
    .orderBy('refresh_tokens.pk'),
)

/** Returns the refresh tokens that have not expired, oldest first, revoked tokens included. */
export async function selectRefreshTokens(tx: Tx, now: string): Promise<RefreshToken[]> {
  const rows = await tx.all(selectAll, { now })
  return rows.map(({ hash, ...token }) => ({ ...token, recorded: hash !== null }))
}

const selectBeyond = statement((db, p: { client: number; now: string; keep: number; limit: number }) =>
  db
    .selectFrom('refresh_tokens')
    .select('id')
    .where('client_pk', '=', p.client)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', p.now)
    .orderBy('pk', 'desc')
    .limit(p.limit)
    .offset(p.keep),
)

/** Returns the ids of a client's valid refresh tokens that are older than its newest `keep`. */
export async function selectRefreshTokensBeyond(
  tx: Tx,
  of: { client: number; now: string; keep: number },
): Promise<string[]> {
  const rows = await tx.all(selectBeyond, { ...of, limit: 1_000 })
  return rows.map((row) => row.id)
}

const deleteRevokedBeyond = statement((db, p: { client: number; keep: number }) =>
  db
    .deleteFrom('refresh_tokens')
    .where('client_pk', '=', p.client)
    .where('revoked_at', 'is not', null)
    .where('pk', '<=', (eb) =>
      eb
        .selectFrom('refresh_tokens')
        .select('pk')
        .where('client_pk', '=', p.client)
        .where('revoked_at', 'is not', null)
        .orderBy('pk', 'desc')
        .limit(sql.lit(1))
        .offset(p.keep),
    ),
)

/** Deletes a client's revoked refresh tokens but the newest `keep`. */
export async function deleteRevokedRefreshTokens(
  tx: Tx,
  of: { client: number; keep: number },
): Promise<void> {
  await tx.run(deleteRevokedBeyond, of)
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
