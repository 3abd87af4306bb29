import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { findClient, findExternalClient } from '../directory/clients.ts'
import { BELIEF_MS, type Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'
import { AuthError, ExpiredError, IssuerUnavailableError } from './auth-error.ts'
import { type Issuer, SIGNING_ALGORITHM, TOKEN_TYPE } from './issuer.ts'

/** An issuer beside our own whose tokens are accepted. */
export interface ExternalIssuer {
  readonly issuer: string
  readonly jwksUrl: string
  readonly audience: string
  readonly algorithms: readonly string[]
}

/** Turns an `Authorization` header into the client that it stands for. */
export type BearerCheck = (authorization: string | undefined) => Promise<Client>

/** Whose tokens of which kind are accepted. */
export interface Trusted {
  readonly issuer: () => string
  readonly audience: () => string
  readonly algorithms: readonly string[]
  readonly types: readonly (string | undefined)[]
  readonly getKey: JWTVerifyGetKey
  readonly findClient: (payload: JWTPayload) => Client | undefined | Promise<Client | undefined>
}

/** A token that was found right, and whose client exists. */
export interface Checked {
  readonly payload: JWTPayload
  readonly client: Client
}

interface Verified {
  readonly trusted: Trusted
  readonly payload: JWTPayload
  readonly expiresAt: number
  /** The token's client, and until when it is believed to exist. */
  client: Client | undefined
  believedUntil: number
}

/** A verified token is not verified again for this long, or until it expires. */
const VERIFIED_MS = 5 * 60_000
/** Longer ones are refused unseen. */
export const MAX_TOKEN = 8_192

/**
 * Makes the bearer check for our own tokens and those of external issuers, by RFC 8725: for each issuer its own
 * keys, audience, algorithms and token types, and nothing that the token itself proposes.
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
 * Makes a check of tokens against those who are trusted.
 * @returns a function that throws an AuthError for a token that is not accepted
 */
export function newTokenCheck(trusted: readonly Trusted[]): (token: string) => Promise<Checked> {
  const verified = new LRUCache<string, Verified>({ max: 10_000, ttl: VERIFIED_MS })
  return async (token) => {
    let known = verified.get(token)
    if (!known) {
      known = await verify(trusted, token)
      verified.set(token, known)
    }
    const now = Date.now()
    if (known.expiresAt <= now) throw new ExpiredError()
    if (!known.client || known.believedUntil <= now) {
      known.client = await known.trusted.findClient(known.payload)
      known.believedUntil = now + BELIEF_MS
    }
    if (!known.client) throw new AuthError('The client of the token does not exist or was removed')
    return { payload: known.payload, client: known.client }
  }
}

/** RFC 6750 section 2.1: `Bearer`, in any case, spaces, and a b64token. */
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
    findClient(payload) {
      const id = payload.azp ?? payload.appid ?? payload.client_id
      return typeof id === 'string' ? findExternalClient(dir, external.issuer, id) : undefined
    },
  }
}

async function verify(all: readonly Trusted[], token: string): Promise<Verified> {
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
    return { trusted, payload, expiresAt: (payload.exp ?? 0) * 1000, client: undefined, believedUntil: 0 }
  } catch (error) {
    throw toAuthError(error, issuer)
  }
}

/** Entra ID's marks of a token that a person got through the client: it must not count as the client itself. */
function isDelegated({ scp, idtyp }: JWTPayload): boolean {
  return (scp !== undefined && scp !== '') || (idtyp !== undefined && idtyp !== 'app')
}

/** Read before anything is verified, and used for nothing but choosing whose rules apply. */
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

/** jose reports an issuer that answers something else than its keys by its most general error. */
function isFetchFailure(error: errors.JOSEError): boolean {
  return error.code === 'ERR_JOSE_GENERIC' || error instanceof errors.JWKSInvalid
}
