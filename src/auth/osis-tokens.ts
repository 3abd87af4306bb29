import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { decodeJwt } from 'jose/jwt/decode'
import { clientContext } from '../directory/context.ts'
import type { Directory } from '../directory/directory.ts'
import {
  createRefreshToken,
  findClientOfRefreshToken,
  findRefreshToken,
  type RefreshTokenIds,
  useRefreshToken,
} from '../directory/refresh-tokens.ts'
import type { Client } from '../model/clients.ts'
import type { Context } from '../model/context.ts'
import { isUuid } from '../model/ids.ts'
import { AuthError, ExpiredError } from './auth-error.ts'
import { MAX_TOKEN, newTokenCheck, readToken, type VerifiedToken } from './bearer.ts'
import { type Issuer, SIGNING_ALGORITHM, TOKEN_TYPE, type TokenClaims } from './issuer.ts'
import type { Trusted } from './verify.ts'

const REFRESH_TYPE = 'refresh+jwt'
const ACCESS_SECONDS = 15 * 60
/** Half a year, because an operator enters the refresh token into Object Storage Extension's settings by hand. */
const REFRESH_SECONDS = 262_800 * 60
/** The scopes of OSIS, which tell the two kinds of tokens apart. */
const ACCESS_SCOPE = 'ROLE_ADMIN'
const REFRESH_SCOPE = 'ROLE_REFRESH_TOKEN'

/** The most tokens of each kind that are cached: few programs call OSIS. */
const CACHED_TOKENS = 1_000

/** The tokens of the OSIS API (section 3.3 of its contract). Neither kind is accepted in place of the other. */
export interface OsisTokens {
  /**
   * Issues a refresh token for an authenticated client, and a first access token.
   * @throws {DirectoryError} `not_permitted`, `store_unavailable`
   */
  logIn(ctx: Context): Promise<{ access: string; refresh: string }>
  /**
   * Issues a new access token. The row of the refresh token decides whether it is genuine, and not its signature: the
   * token lives half a year, so it must outlive its signing key, and a leaked signing key must not make such tokens.
   * @param call the correlation id and the address of the request
   * @throws {AuthError} if the refresh token is invalid, expired or revoked, or its client was removed
   * @throws {DirectoryError} `store_unavailable`
   */
  refresh(token: string, call: Pick<Context, 'correlationId' | 'address'>): Promise<string>
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
  const { checkAccess, checkRefresh } = newChecks(dir, issuer, audience)
  const own = { iss: issuer.url, aud: audience }
  return {
    async logIn(ctx) {
      const sign = ({ id, clientId }: RefreshTokenIds): Promise<string> =>
        signRefresh(issuer, { subject: clientId, audience: audience() }, id)
      const { id, clientId, token } = await createRefreshToken(dir, ctx, { seconds: REFRESH_SECONDS, sign })
      const access = await signAccess(issuer, { subject: clientId, audience: audience() }, id)
      return { access, refresh: token }
    },
    async refresh(token, { correlationId, address }) {
      if (token.length > MAX_TOKEN) throw new AuthError('The token is too long to be one')
      const { id, client } = await findGenuine(dir, { token, own, checkRefresh })
      const ctx = clientContext(client, correlationId, address)
      if (!(await useRefreshToken(dir, ctx, { id, token })))
        throw new AuthError('The refresh token was not issued, or was revoked')
      return signAccess(issuer, { subject: client.id, audience: audience() }, id)
    },
    check: async (authorization) => (await checkAccess(readToken(authorization))).client,
  }
}

/** Returns the checks of both kinds of tokens. */
function newChecks(dir: Directory, issuer: Issuer, audience: () => string) {
  const { url, getKey, isPublished } = issuer
  const own = { issuer: url, audience, algorithms: [SIGNING_ALGORITHM], getKey, isPublished } as const
  const trust = (kind: Pick<Trusted, 'types' | 'maxAgeSeconds' | 'findClient'>) => [{ ...kind, ...own }]
  // `sid` is the id of the refresh token that an access token came from. Once that refresh token is revoked or has
  // expired, the access token is refused.
  const checkAccess = newTokenCheck(
    trust({
      types: [TOKEN_TYPE],
      maxAgeSeconds: ACCESS_SECONDS,
      findClient: (claims) => findByToken(dir, claims, { scope: ACCESS_SCOPE, id: claims.sid }),
    }),
    CACHED_TOKENS,
  )
  const checkRefresh = newTokenCheck(
    trust({
      types: [REFRESH_TYPE],
      maxAgeSeconds: REFRESH_SECONDS,
      findClient: (claims) => findByToken(dir, claims, { scope: REFRESH_SCOPE, id: claims.jti }),
    }),
    CACHED_TOKENS,
  )
  return { checkAccess, checkRefresh }
}

/** Finds the row that proves a refresh token, or lets the signature prove a token of version 0.1.0. */
async function findGenuine(
  dir: Directory,
  of: {
    readonly token: string
    readonly own: { readonly iss: () => string; readonly aud: () => string }
    readonly checkRefresh: (token: string) => Promise<VerifiedToken>
  },
): Promise<{ id: string; client: Client }> {
  const { token, own, checkRefresh } = of
  const { jti, iss, aud } = readClaims(token)
  const id = typeof jti === 'string' && isUuid(jti) ? jti : ''
  const found = await findRefreshToken(dir, { id, token })
  // The public URL may have changed since, which ends all tokens.
  if (found?.match === 'same' && iss === own.iss() && aud === own.aud()) {
    if (!found.valid) throw new AuthError('The refresh token was revoked')
    if (found.expired) throw new ExpiredError()
    return { id, client: found.client }
  }
  // Tokens of version 0.1.0 have no hash in the store. Their signature proves them, while its key is published.
  const { client } = await checkRefresh(token)
  if (found?.match !== 'unknown') throw new AuthError('The refresh token was not issued')
  return { id, client }
}

/** Reads the claims of a token before anything is verified, only to find its row. */
function readClaims(token: string): JWTPayload {
  try {
    return decodeJwt(token)
  } catch {
    throw new AuthError('The token is not a JWT')
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

/**
 * Finds the client of the refresh token with this id. Returns undefined if the claims do not have the scope, or name
 * another client.
 */
async function findByToken(
  dir: Directory,
  { scopes, sub }: JWTPayload,
  { scope, id }: { scope: string; id: unknown },
): Promise<Client | undefined> {
  const isOfKind = Array.isArray(scopes) && scopes.includes(scope)
  const client = isOfKind && typeof id === 'string' ? await findClientOfRefreshToken(dir, id) : undefined
  return client?.id === sub ? client : undefined
}
