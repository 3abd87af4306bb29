import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Directory } from '../directory/directory.ts'
import { createRefreshToken, findClientOfRefreshToken } from '../directory/refresh-tokens.ts'
import type { Client } from '../model/clients.ts'
import type { Context } from '../model/context.ts'
import { AuthError } from './auth-error.ts'
import { MAX_TOKEN, newTokenCheck, readToken, type Trusted } from './bearer.ts'
import { type Issuer, SIGNING_ALGORITHM, TOKEN_TYPE } from './issuer.ts'

const REFRESH_TYPE = 'refresh+jwt'
const ACCESS_SECONDS = 15 * 60
/** Half a year: an operator puts the refresh token into Object Storage Extension's configuration once. */
const REFRESH_SECONDS = 262_800 * 60
/** The scopes of OSIS, by which each kind of token is told from the other. */
const ACCESS_SCOPE = 'ROLE_ADMIN'
const REFRESH_SCOPE = 'ROLE_REFRESH_TOKEN'

/** The tokens of the OSIS API (section 3.3 of its contract). Each kind is accepted in its own place and in no other. */
export interface OsisTokens {
  /** A refresh token for an authenticated client, and a first access token. */
  logIn(ctx: Context): Promise<{ access: string; refresh: string }>
  /**
   * A new access token.
   * @throws {AuthError} when the refresh token is none, has expired or was revoked, or its client was removed
   */
  refresh(token: string): Promise<string>
  /**
   * The client that an `Authorization` header with an access token stands for.
   * @throws {AuthError}
   */
  check(authorization: string | undefined): Promise<Client>
}

export function newOsisTokens(dir: Directory, issuer: Issuer): OsisTokens {
  // Not the partner portal's audience, so that neither API accepts the other's tokens.
  const audience = (): string => `${issuer.url()}/api/v1`
  const trust = (type: string, scope: string, tokenId: (payload: JWTPayload) => unknown): Trusted => ({
    issuer: issuer.url,
    audience,
    algorithms: [SIGNING_ALGORITHM],
    types: [type],
    getKey: issuer.getKey,
    findClient(payload) {
      const id = tokenId(payload)
      if (typeof id !== 'string' || !hasScope(payload, scope)) return undefined
      return findClientOfRefreshToken(dir, id)
    },
  })
  // An access token lives no longer than the refresh token that it came from.
  const checkAccess = newTokenCheck([trust(TOKEN_TYPE, ACCESS_SCOPE, ({ sid }) => sid)])
  const checkRefresh = newTokenCheck([trust(REFRESH_TYPE, REFRESH_SCOPE, ({ jti }) => jti)])
  const signAccess = (clientId: string, sid: string): Promise<string> =>
    issuer.sign({
      type: TOKEN_TYPE,
      audience: audience(),
      subject: clientId,
      id: randomUUID(),
      seconds: ACCESS_SECONDS,
      others: { scopes: [ACCESS_SCOPE], sid },
    })
  return {
    async logIn(ctx) {
      const { id, clientId } = await createRefreshToken(dir, ctx, REFRESH_SECONDS)
      const refresh = await issuer.sign({
        type: REFRESH_TYPE,
        audience: audience(),
        subject: clientId,
        id,
        seconds: REFRESH_SECONDS,
        others: { scopes: [REFRESH_SCOPE] },
      })
      return { access: await signAccess(clientId, id), refresh }
    },
    async refresh(token) {
      if (token.length > MAX_TOKEN) throw new AuthError('The token is too long to be one')
      const { payload, client } = await checkRefresh(token)
      return signAccess(client.id, String(payload.jti))
    },
    check: async (authorization) => (await checkAccess(readToken(authorization))).client,
  }
}

function hasScope({ scopes }: JWTPayload, scope: string): boolean {
  return Array.isArray(scopes) && scopes.includes(scope)
}
