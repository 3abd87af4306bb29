import { listRefreshTokens, revokeRefreshToken } from '../directory/refresh-tokens.ts'
import { type Command, table, withDirectory } from './command.ts'

export const list: Command = {
  name: 'token list',
  summary: 'List the refresh tokens of OSIS clients that have not expired',
  run: (input) =>
    withDirectory(input.config, async (dir) => {
      const tokens = await listRefreshTokens(dir)
      return {
        json: tokens,
        text: table(
          ['ID', 'CLIENT', 'CREATED', 'EXPIRES', 'REVOKED'],
          tokens.map((one) => [one.id, one.clientId, one.createdAt, one.expiresAt, one.revokedAt]),
        ),
      }
    }),
}

export const revoke: Command = {
  name: 'token revoke',
  summary: 'Revoke a refresh token, and the access tokens that came from it; they are refused within 5 s',
  positionals: ['id'],
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { id = '' } = input.words
      await revokeRefreshToken(dir, ctx, id)
      return { json: { revoked: id }, text: `Revoked ${id}.` }
    }),
}
