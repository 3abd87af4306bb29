import type { JWTPayload } from 'jose'
import { LRUCache } from 'lru-cache'
import { findClientOfToken } from '../directory/clients.ts'
import type { Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'
import { AuthError, ExpiredError } from './auth-error.ts'
import { cacheClients } from './clients.ts'
import { type Issuer, SIGNING_ALGORITHM, TOKEN_SECONDS, TOKEN_TYPE } from './issuer.ts'
import { type Trusted, type VerifiedClaims, verifyToken } from './verify.ts'

/**
 * Returns the client that an `Authorization` header stands for.
 * @throws {AuthError} for a token that is not accepted
 * @throws {IssuerUnavailableError} if the keys of its issuer cannot be fetched
 */
export type BearerCheck = (authorization: string | undefined) => Promise<Client>

/** An accepted token, and the client that it stands for. */
export interface VerifiedToken {
  readonly payload: JWTPayload
  readonly client: Client
}

/** How long the result of verifying a token is cached. An expired token is refused in any case. */
const VERIFIED_MS = 5 * 60_000
/** The most tokens that are cached, unless a check says otherwise. */
const CACHE_ENTRIES = 10_000
/** The most characters of a token. Longer ones are refused before they are parsed. */
export const MAX_TOKEN = 8_192

/**
 * Returns a function that checks the bearer token of a request according to RFC 8725: each issuer has its own keys,
 * audience, algorithms and token types, and the token cannot choose any of them.
 */
export function newBearerCheck(trusted: readonly Trusted[]): BearerCheck {
  const check = newTokenCheck(trusted)
  return async (authorization) => (await check(readToken(authorization))).client
}

/**
 * Returns a function that checks a token, and throws like `BearerCheck`. A verified token is cached for VERIFIED_MS.
 * Its client is cached only for CACHE_TTL_MS, so a removed client is refused within 5 s. Calls with the same token at
 * the same time share one query.
 * @param max the most tokens that are cached; their memory is taken at the start, which takes time
 */
export function newTokenCheck(
  trusted: readonly Trusted[],
  max = CACHE_ENTRIES,
): (token: string) => Promise<VerifiedToken> {
  const tokens = new LRUCache<string, VerifiedClaims>({ max, ttl: VERIFIED_MS })
  const findClientOf = cacheClients<VerifiedClaims>(
    (_token, known) => known.trusted.findClient(known.payload),
    (known) => known.trusted.changes,
    max,
  )
  return async (token) => {
    let known = tokens.get(token)
    if (!known || known.trusted.isPublished?.(known.kid) === false) {
      known = await verifyToken(trusted, token)
      tokens.set(token, known)
    }
    if (known.expiresAt <= Date.now()) throw new ExpiredError()
    const client = await findClientOf(token, known)
    if (!client) throw new AuthError('The client of the token does not exist or was removed')
    return { payload: known.payload, client }
  }
}

/**
 * Reads the token of an `Authorization` header (RFC 6750 section 2.1): `Bearer` in any case, spaces, and a b64token.
 * @throws {AuthError}
 */
export function readToken(authorization: string | undefined): string {
  if (authorization === undefined) throw new AuthError('A bearer token is required', { presented: false })
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization)?.[1]
  if (token === undefined || token.length > MAX_TOKEN)
    throw new AuthError('The Authorization header holds no bearer token')
  return token
}

/** Returns the rules for the access tokens of our own issuer. */
export function trustOwn(own: Issuer, dir: Directory): Trusted {
  return {
    issuer: own.url,
    audience: own.url,
    algorithms: [SIGNING_ALGORITHM],
    types: [TOKEN_TYPE],
    getKey: own.getKey,
    isPublished: own.isPublished,
    maxAgeSeconds: TOKEN_SECONDS,
    changes: dir.changes,
    findClient: async ({ sub, secret_id: secretId }) => {
      const id = typeof secretId === 'string' ? secretId : undefined
      return typeof sub === 'string' ? findClientOfToken(dir, sub, id) : undefined
    },
  }
}
