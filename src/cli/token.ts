import type { Command } from 'commander'
import { listRefreshTokens, revokeRefreshToken } from '../directory/refresh-tokens.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { formatTable } from './table.ts'

/** `usher token`: the refresh tokens of OSIS clients. */
export function defineToken(token: Command, session: Session): void {
  token
    .command('list')
    .description('List the refresh tokens that have not expired')
    .action(action(session, () => list(session)))
  token
    .command('revoke')
    .description('Revoke a refresh token and its access tokens; they are refused within 5 seconds')
    .argument('<id>', 'Id of the refresh token')
    .action(action(session, (id: string) => revoke(session, id)))
}

function list(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const json = await listRefreshTokens(dir, ctx)
    const rows = json.map((one) => [one.id, one.clientId, one.createdAt, one.expiresAt, one.revokedAt])
    return { json, lines: formatTable(['ID', 'CLIENT', 'CREATED', 'EXPIRES', 'REVOKED'], rows) }
  })
}

function revoke(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await revokeRefreshToken(dir, ctx, id)
    return { json: { revoked: id }, lines: [`Revoked ${id}.`] }
  })
}
