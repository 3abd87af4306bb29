import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { findClient, findExternalClient } from '../directory/clients.ts'
import type { Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'
import { AuthError, ExpiredError, IssuerUnavailableError } from './auth-error.ts'
import { cacheClients } from './clients.ts'
import { type Issuer, SIGNING_ALGORITHM, TOKEN_TYPE } from './issuer.ts'

/** An issuer whose tokens are accepted in addition to our own. */
export interface ExternalIssuer {
  readonly issuer: string
  readonly jwksUrl: string
  readonly audience: string
  readonly algorithms: readonly string[]
}

/**
 * Returns the client that an `Authorization` header stands for.
 * @throws {AuthError} for a token that is not accepted
 * @throws {IssuerUnavailableError} if the keys of its issuer cannot be fetched
 */
export type BearerCheck = (authorization: string | undefined) => Promise<Client>

/** One issuer, and which of its tokens are accepted. */
export interface Trusted {
  readonly issuer: () => string
  readonly audience: () => string
  readonly algorithms: readonly string[]
  /** The accepted values of `typ` in a token's header. */
  readonly types: readonly (string | undefined)[]
  readonly getKey: JWTVerifyGetKey
  readonly findClient: (payload: JWTPayload) => Promise<Client | undefined>
}

/** An accepted token, and the client that it stands for. */
export interface VerifiedToken {
  readonly payload: JWTPayload
  readonly client: Client
}

/** A token whose signature and claims were verified. */
interface KnownToken {
  readonly trusted: Trusted
  readonly payload: JWTPayload
  /** When the token expires, in milliseconds like `Date.now()`. */
  readonly expiresAt: number
}

/** How long the result of verifying a token is cached. An expired token is refused in any case. */
const VERIFIED_MS = 5 * 60_000
/** The most tokens that are cached. */
const CACHE_ENTRIES = 10_000
/** The most characters of a token. Longer ones are refused before they are parsed. */
export const MAX_TOKEN = 8_192

/**
 * Returns a function that checks the bearer token of a request according to RFC 8725: each issuer has its own keys,
 * audience, algorithms and token types, and the token cannot choose any of them.
 */
export function newBearerCheck(
  own: Issuer,
  external: readonly ExternalIssuer[],
  dir: Directory,
): BearerCheck {
  const trusted = [trustOwn(own, dir), ...external.map((issuer) => trustExternal(issuer, dir))]
  const check = newTokenCheck(trusted)
  return async (authorization) => (await check(readToken(authorization))).client
}

/**
 * Returns a function that checks a token, and throws like `BearerCheck`. A verified token is cached for VERIFIED_MS.
 * Its client is cached only for CACHE_TTL_MS, so a removed client is refused within 5 s. Calls with the same token at
 * the same time share one query.
 */
export function newTokenCheck(trusted: readonly Trusted[]): (token: string) => Promise<VerifiedToken> {
  const tokens = new LRUCache<string, KnownToken>({ max: CACHE_ENTRIES, ttl: VERIFIED_MS })
  const findClientOf = cacheClients<KnownToken>((_token, known) => known.trusted.findClient(known.payload))
  return async (token) => {
    let known = tokens.get(token)
    if (!known) {
      known = await verify(trusted, token)
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
  if (authorization === undefined) throw new AuthError('A bearer token is required', false)
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization)?.[1]
  if (token === undefined || token.length > MAX_TOKEN)
    throw new AuthError('The Authorization header holds no bearer token')
  return token
}

function trustOwn(own: Issuer, dir: Directory): Trusted {
  return {
    issuer: own.url,
    audience: own.url,
    algorithms: [SIGNING_ALGORITHM],
    types: [TOKEN_TYPE],
    getKey: own.getKey,
    findClient: (payload) => findClient(dir, String(payload.sub)),
  }
}

function trustExternal(external: ExternalIssuer, dir: Directory): Trusted {
  return {
    issuer: () => external.issuer,
    audience: () => external.audience,
    algorithms: external.algorithms,
    // Entra ID and others still send plain JWTs as access tokens; the audience keeps ID tokens out.
    types: [TOKEN_TYPE, 'application/at+jwt', 'JWT', undefined],
    getKey: createRemoteJWKSet(new URL(external.jwksUrl), {
      timeoutDuration: 5_000,
      cooldownDuration: 30_000,
    }),
    async findClient(payload) {
      const id = payload.azp ?? payload.appid ?? payload.client_id
      return typeof id === 'string' ? findExternalClient(dir, external.issuer, id) : undefined
    },
  }
}

async function verify(all: readonly Trusted[], token: string): Promise<KnownToken> {
  const issuer = readIssuer(token)
  const trusted = all.find((one) => one.issuer() === issuer)
  if (!trusted) throw new AuthError('The token comes from an unknown issuer')
  try {
    const { payload, protectedHeader } = await jwtVerify(token, trusted.getKey, {
      issuer: trusted.issuer(),
      audience: trusted.audience(),
      algorithms: [...trusted.algorithms],
      requiredClaims: ['exp'],
    })
    const type = protectedHeader.typ
    if (isDelegated(payload)) throw new AuthError('The token stands for a person, not for a client')
    if (!trusted.types.some((one) => one?.toLowerCase() === type?.toLowerCase())) {
      throw new AuthError('The token is not an access token')
    }
    return { trusted, payload, expiresAt: (payload.exp ?? 0) * 1000 }
  } catch (error) {
    throw toAuthError(error, issuer)
  }
}

/** Returns whether a token of Entra ID stands for a person who uses the client, and not for the client itself. */
function isDelegated({ scp, idtyp }: JWTPayload): boolean {
  return (scp !== undefined && scp !== '') || (idtyp !== undefined && idtyp !== 'app')
}

/** Reads the issuer before anything is verified, only to choose the rules that the token must pass. */
function readIssuer(token: string): string {
  try {
    return String(decodeJwt(token).iss)
  } catch {
    throw new AuthError('The token is not a JWT')
  }
}

function toAuthError(error: unknown, issuer: string): Error {
  if (error instanceof AuthError) return error
  if (error instanceof errors.JWTExpired) return new ExpiredError()
  if (error instanceof errors.JWTClaimValidationFailed)
    return new AuthError(`The token's ${error.claim} is not accepted`)
  if (error instanceof errors.JWKSTimeout) return new IssuerUnavailableError(issuer, error)
  if (error instanceof errors.JOSEError && !isFetchFailure(error))
    return new AuthError('The token could not be verified')
  return new IssuerUnavailableError(issuer, error)
}

/** Returns whether the issuer sent something else than its keys. The first code is jose's most general error. */
function isFetchFailure(error: errors.JOSEError): boolean {
  return error.code === 'ERR_JOSE_GENERIC' || error instanceof errors.JWKSInvalid
}
