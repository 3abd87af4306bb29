import { hash } from 'node:crypto'
import { diff } from '../model/audit.ts'
import type { Client } from '../model/clients.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { foldId, newId } from '../model/ids.ts'
import { takeLock } from '../store/tables/locks.ts'
import {
  deleteExpiredRefreshTokens,
  deleteRevokedRefreshTokens,
  insertRefreshToken,
  markRefreshTokenRevoked,
  markRefreshTokenUsed,
  type RefreshToken,
  selectClientOfRefreshToken,
  selectRefreshToken,
  selectRefreshTokens,
  selectRefreshTokensBeyond,
} from '../store/tables/refresh-tokens.ts'
import { noteClientUse } from './client-secrets.ts'
import type { Directory } from './directory.ts'
import { read, runRead, runUnit, type Unit, write } from './unit.ts'

/** The most valid refresh tokens of one client; the oldest is revoked for a new one. */
const MAX_REFRESH_TOKENS = 100
/** The most revoked refresh tokens of one client that are kept, so that a list shows them. */
const MAX_REVOKED = 100
/** Units with this lock insert refresh tokens, so that no two of them count at the same time. */
const LOCK = 'refresh-tokens'

/** A refresh token that is issued, and its client. */
export interface RefreshTokenIds {
  readonly id: string
  readonly clientId: string
}

/**
 * Issues a refresh token of the calling client, and records it so that it can be revoked. If the client has too many,
 * the oldest is revoked: Object Storage Extension logs in again and again, and uses only its last token.
 * @param request.seconds how long it is valid
 * @param request.sign makes the token itself
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export async function createRefreshToken(
  dir: Directory,
  ctx: Context,
  { seconds, sign }: { seconds: number; sign: (ids: RefreshTokenIds) => Promise<string> },
): Promise<RefreshTokenIds & { token: string }> {
  const { caller } = ctx
  if (caller.kind !== 'client') throw notAClient()
  const ids = { id: newId(), clientId: caller.id }
  const token = await sign(ids)
  await runUnit(dir, ctx, { operation: 'CreateRefreshToken', target: ids.id }, async (unit) => {
    const { tx, now } = unit
    await takeLock(tx, LOCK, now)
    const expiresAt = new Date(Date.parse(now) + seconds * 1000).toISOString()
    await insertRefreshToken(tx, { id: ids.id, client: caller.pk, hash: hashToken(token), now, expiresAt })
    await revokeOldest(unit, caller.pk)
    await unit.audit({ outcome: 'created', changedFields: ['expiresAt'] })
  })
  return { ...ids, token }
}

async function revokeOldest(unit: Unit, client: number): Promise<void> {
  const { tx, now } = unit
  for (const id of await selectRefreshTokensBeyond(tx, { client, now, keep: MAX_REFRESH_TOKENS })) {
    await markRefreshTokenRevoked(tx, id, now)
    const entry = { operation: 'RevokeRefreshToken', outcome: 'revoked', target: id } as const
    await unit.audit({ ...entry, changes: diff({}, { revokedAt: now }) })
  }
  await deleteRevokedRefreshTokens(tx, { client, keep: MAX_REVOKED })
}

/** The row of a token holds this hash, so that the row, and not the signature, says which token was issued. */
function hashToken(token: string): string {
  return hash('sha256', token, 'base64url')
}

function notAClient(): DirectoryError {
  return new DirectoryError('not_permitted', 'Only a client has refresh tokens.')
}

/** What the row of a refresh token says about a token with its id. */
export interface FoundRefreshToken {
  readonly client: Client
  /** `unknown` for a row of version 0.1.0, which has no hash: only the signature can prove such a token. */
  readonly match: 'same' | 'different' | 'unknown'
  /** Whether the token was not revoked. */
  readonly valid: boolean
  readonly expired: boolean
}

/**
 * Finds the row of a refresh token.
 * @param id the id that the token claims to have
 * @returns undefined if there is no such row, or its client was removed
 * @throws {DirectoryError} `store_unavailable`
 */
export async function findRefreshToken(
  dir: Directory,
  { id, token }: { id: string; token: string },
): Promise<FoundRefreshToken | undefined> {
  const found = await read(dir, (tx) => selectRefreshToken(tx, id))
  if (!found) return undefined
  const { client, revokedAt, expiresAt } = found
  const match = found.hash === null ? 'unknown' : found.hash === hashToken(token) ? 'same' : 'different'
  return { client, match, valid: revokedAt === null, expired: expiresAt <= dir.now().toISOString() }
}

/**
 * Records that a client uses its refresh token to get an access token. Records the hash too if the row has none.
 * @returns whether the token is the one that was issued, and is still valid
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function useRefreshToken(
  dir: Directory,
  ctx: Context,
  { id, token }: { id: string; token: string },
): Promise<boolean> {
  return runUnit(dir, ctx, { operation: 'RefreshToken', target: id }, async (unit) => {
    const used = await markRefreshTokenUsed(unit.tx, { id, hash: hashToken(token), now: unit.now })
    if (used) await unit.audit({ outcome: 'issued' })
    return used
  })
}

/**
 * Finds the client that a refresh token was issued to. Returns undefined if the token was revoked or has expired, or if
 * the client was removed.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function findClientOfRefreshToken(dir: Directory, id: string): Promise<Client | undefined> {
  const client = await read(dir, (tx) => selectClientOfRefreshToken(tx, id, dir.now().toISOString()))
  if (client) noteClientUse(dir, client)
  return client
}

/**
 * Lists the refresh tokens that have not expired, oldest first.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listRefreshTokens(dir: Directory, ctx: Context): Promise<RefreshToken[]> {
  return runRead(dir, ctx, 'ListRefreshTokens', ({ tx }) => selectRefreshTokens(tx, dir.now().toISOString()))
}

/**
 * Revokes a refresh token. Every process refuses it, and the access tokens that came from it, within 5 s.
 * @throws {DirectoryError} `not_permitted`, `refresh_token_not_found`, `store_unavailable`
 */
export function revokeRefreshToken(dir: Directory, ctx: Context, id: string): Promise<void> {
  return runUnit(dir, ctx, { operation: 'RevokeRefreshToken', target: id }, async (unit) => {
    if (!(await markRefreshTokenRevoked(unit.tx, foldId(id), unit.now)))
      throw new DirectoryError('refresh_token_not_found', `There is no refresh token with the id ${id}.`)
    await unit.audit({ outcome: 'revoked', changes: diff({}, { revokedAt: unit.now }) })
  })
}

/**
 * Deletes refresh tokens that have expired.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function deleteOldRefreshTokens(dir: Directory): Promise<void> {
  await write(dir, (tx) => deleteExpiredRefreshTokens(tx, dir.now().toISOString()))
}
