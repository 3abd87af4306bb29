import type { Client } from '../model/clients.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import {
  deleteExpiredRefreshTokens,
  insertRefreshToken,
  markRefreshTokenRevoked,
  type RefreshToken,
  selectClientOfRefreshToken,
  selectRefreshTokens,
} from '../store/tables/refresh-tokens.ts'
import type { Directory } from './directory.ts'
import { read, runRead, runUnit } from './unit.ts'

/**
 * Records a refresh token of the calling client, so that it can be revoked.
 * @param seconds how long it is valid
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function createRefreshToken(
  dir: Directory,
  ctx: Context,
  seconds: number,
): Promise<{ id: string; clientId: string }> {
  return runUnit(dir, ctx, { operation: 'CreateRefreshToken' }, async (unit) => {
    const { caller } = ctx
    if (caller.kind !== 'client') throw notAClient()
    const id = newId()
    const expiresAt = new Date(dir.now().getTime() + seconds * 1000).toISOString()
    await insertRefreshToken(unit.tx, { id, client: caller.pk, now: unit.now, expiresAt })
    await unit.audit({ outcome: 'created', target: id, changedFields: ['expiresAt'] })
    return { id, clientId: caller.id }
  })
}

function notAClient(): DirectoryError {
  return new DirectoryError('not_permitted', 'Only a client has refresh tokens.')
}

/**
 * Finds the client that a refresh token was issued to. Returns undefined if the token was revoked or has expired, or if
 * the client was removed.
 * @throws {DirectoryError} `store_unavailable`
 */
export function findClientOfRefreshToken(dir: Directory, id: string): Promise<Client | undefined> {
  return read(dir, (tx) => selectClientOfRefreshToken(tx, id, dir.now().toISOString()))
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
    if (!(await markRefreshTokenRevoked(unit.tx, id, unit.now)))
      throw new DirectoryError('refresh_token_not_found', `There is no refresh token with the id ${id}.`)
    await unit.audit({ outcome: 'revoked', changedFields: ['revokedAt'] })
  })
}

/**
 * Deletes refresh tokens that have expired.
 * @throws {StoreError}
 */
export async function deleteOldRefreshTokens(dir: Directory): Promise<void> {
  await dir.store.write((tx) => deleteExpiredRefreshTokens(tx, dir.now().toISOString()))
}
