import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Directory } from '../directory/directory.ts'
import { createRefreshToken, findClientOfRefreshToken } from '../directory/refresh-tokens.ts'
import type { Client } from '../model/clients.ts'
import type { Context } from '../model/context.ts'
import { AuthError } from './auth-error.ts'
import { MAX_TOKEN, newTokenCheck, readToken } from './bearer.ts'
import { type Issuer, SIGNING_ALGORITHM, TOKEN_TYPE, type TokenClaims } from './issuer.ts'
import type { Trusted } from './verify.ts'

const REFRESH_TYPE = 'refresh+jwt'
const ACCESS_SECONDS = 15 * 60
/** Half a year, because an operator enters the refresh token into Object Storage Extension's settings by hand. */
const REFRESH_SECONDS = 262_800 * 60
/** The scopes of OSIS, which tell the two kinds of tokens apart. */
const ACCESS_SCOPE = 'ROLE_ADMIN'
const REFRESH_SCOPE = 'ROLE_REFRESH_TOKEN'

/** The tokens of the OSIS API (section 3.3 of its contract). Neither kind is accepted in place of the other. */
export interface OsisTokens {
  /**
   * Issues a refresh token for an authenticated client, and a first access token.
   * @throws {DirectoryError} `not_permitted`, `store_unavailable`
   */
  logIn(ctx: Context): Promise<{ access: string; refresh: string }>
  /**
   * Issues a new access token.
   * @throws {AuthError} if the refresh token is invalid, expired or revoked, or its client was removed
   */
  refresh(token: string): Promise<string>
  /**
   * Returns the client that an `Authorization` header with an access token stands for.
   * @throws {AuthError}
   */
  check(authorization: string | undefined): Promise<Client>
}

/** Makes the tokens of the OSIS API. They are signed with the keys of our issuer. */
export function newOsisTokens(dir: Directory, issuer: Issuer): OsisTokens {
  // It differs from the audience of the partner portal, so that neither API accepts the tokens of the other.
  const audience = (): string => `${issuer.url()}/api/v1`
  const trust = (kind: Pick<Trusted, 'types' | 'findClient'>): Trusted[] => [
    { ...kind, issuer: issuer.url, audience, algorithms: [SIGNING_ALGORITHM], getKey: issuer.getKey },
  ]
  // `sid` is the id of the refresh token that an access token came from. Once that refresh token is revoked or has
  // expired, the access token is refused.
  const checkAccess = newTokenCheck(
    trust({
      types: [TOKEN_TYPE],
      findClient: (claims) => findByToken(dir, claims, { scope: ACCESS_SCOPE, id: claims.sid }),
    }),
  )
  const checkRefresh = newTokenCheck(
    trust({
      types: [REFRESH_TYPE],
      findClient: (claims) => findByToken(dir, claims, { scope: REFRESH_SCOPE, id: claims.jti }),
    }),
  )
  return {
    async logIn(ctx) {
      const { id, clientId } = await createRefreshToken(dir, ctx, REFRESH_SECONDS)
      const of = { subject: clientId, audience: audience() }
      return { access: await signAccess(issuer, of, id), refresh: await signRefresh(issuer, of, id) }
    },
    async refresh(token) {
      if (token.length > MAX_TOKEN) throw new AuthError('The token is too long to be one')
      const { payload, client } = await checkRefresh(token)
      return signAccess(issuer, { subject: client.id, audience: audience() }, String(payload.jti))
    },
    check: async (authorization) => (await checkAccess(readToken(authorization))).client,
  }
}

type Of = Pick<TokenClaims, 'subject' | 'audience'>

/** @param sid the id of the refresh token that the access token comes from */
function signAccess(issuer: Issuer, of: Of, sid: string): Promise<string> {
  const others = { scopes: [ACCESS_SCOPE], sid }
  return issuer.sign({ ...of, type: TOKEN_TYPE, id: randomUUID(), seconds: ACCESS_SECONDS, others })
}

function signRefresh(issuer: Issuer, of: Of, id: string): Promise<string> {
  const others = { scopes: [REFRESH_SCOPE] }
  return issuer.sign({ ...of, type: REFRESH_TYPE, id, seconds: REFRESH_SECONDS, others })
}

/** Finds the client of the refresh token with this id. Returns undefined if the claims do not have the scope. */
async function findByToken(
  dir: Directory,
  { scopes }: JWTPayload,
  { scope, id }: { scope: string; id: unknown },
): Promise<Client | undefined> {
  const isOfKind = Array.isArray(scopes) && scopes.includes(scope)
  return isOfKind && typeof id === 'string' ? findClientOfRefreshToken(dir, id) : undefined
}
