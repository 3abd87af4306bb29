import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions, JWTVerifyResult } from 'jose'
import { decodeProtectedHeader } from 'jose/decode/protected_header'
import * as errors from 'jose/errors'
import { decodeJwt } from 'jose/jwt/decode'
import { jwtVerify } from 'jose/jwt/verify'
import type { Client } from '../model/clients.ts'
import { DirectoryError } from '../model/error.ts'
import { AuthError, ExpiredError, IssuerUnavailableError } from './auth-error.ts'

/** One issuer, and which of its tokens are accepted. */
export interface Trusted {
  readonly issuer: () => string
  /** The value that `aud` must contain; null if the tokens must not have an `aud`. */
  readonly audience: () => string | null
  readonly algorithms: readonly string[]
  /** The accepted values of `typ` in a token's header. */
  readonly types: readonly (string | undefined)[]
  readonly getKey: JWTVerifyGetKey
  /** Returns whether a key is still one of the issuer's. Without it, a verified token outlives its key in the cache. */
  readonly isPublished?: (kid: string | undefined) => boolean
  /** Fetches the keys again, unless that was done a short time ago. Returns whether it did. */
  readonly renewKeys?: () => Promise<boolean>
  /** How many seconds after `iat` a token is refused, whatever its `exp` says. Without it, `exp` alone decides. */
  readonly maxAgeSeconds?: number
  /** Checks further claims. Throws an AuthError for a token that is not accepted. */
  readonly checkClaims?: (claims: JWTPayload) => void
  /** Counts the changes after which clients are looked up again; see `forgetCached`. */
  readonly changes?: { readonly count: number }
  readonly findClient: (claims: JWTPayload) => Promise<Client | undefined>
}

/** The claims of a token whose signature and claims were verified. */
export interface VerifiedClaims {
  readonly trusted: Trusted
  readonly payload: JWTPayload
  /** The id of the key that signed the token. */
  readonly kid: string | undefined
  /** When the token expires, in milliseconds like `Date.now()`. */
  readonly expiresAt: number
}

/** How far the clock of an issuer may be ahead of ours, in seconds. It does not prolong the life of a token. */
const CLOCK_SKEW_SECONDS = 60

/**
 * Verifies a token by the rules of its issuer. It may have expired in the last CLOCK_SKEW_SECONDS: compare `expiresAt`.
 * @throws {AuthError} if the token is not accepted
 * @throws {IssuerUnavailableError} if the keys of its issuer cannot be fetched
 */
export async function verifyToken(all: readonly Trusted[], token: string): Promise<VerifiedClaims> {
  const issuer = readIssuer(token)
  const trusted = all.find((one) => one.issuer() === issuer)
  if (!trusted) throw new AuthError('The token comes from an unknown issuer')
  try {
    const { payload, protectedHeader } = await verifyWithNewestKeys(trusted, token)
    if (!isOfType(trusted, protectedHeader.typ)) throw new AuthError('The token is not an access token')
    if (trusted.audience() === null && payload.aud !== undefined) throw notAccepted('aud')
    if (payload.iat !== undefined && payload.iat > nowInSeconds() + CLOCK_SKEW_SECONDS)
      throw notAccepted('iat')
    trusted.checkClaims?.(payload)
    const { kid } = protectedHeader
    return { trusted, payload, kid, expiresAt: expiryOf(trusted, payload) * 1000 }
  } catch (error) {
    throw toAuthError(error)
  }
}

/** Reads the issuer before anything is verified, only to choose the rules that the token must pass. */
function readIssuer(token: string): unknown {
  try {
    return decodeJwt(token).iss
  } catch {
    throw new AuthError('The token is not a JWT')
  }
}

/** No known key of the issuer has signed the token. */
class UnknownSigningKeyError extends AuthError {
  constructor() {
    super('The token could not be verified')
    this.name = 'UnknownSigningKeyError'
  }
}

/**
 * Verifies a token. If no known key has signed it, the issuer may have a new one, so its keys are fetched once more.
 */
async function verifyWithNewestKeys(trusted: Trusted, token: string): Promise<JWTVerifyResult> {
  try {
    return await verifyWithKnownKeys(trusted, token)
  } catch (error) {
    if (!(error instanceof UnknownSigningKeyError) || !(await trusted.renewKeys?.())) throw error
    return verifyWithKnownKeys(trusted, token)
  }
}

/** @throws {UnknownSigningKeyError} */
async function verifyWithKnownKeys(trusted: Trusted, token: string): Promise<JWTVerifyResult> {
  const options = toOptions(trusted)
  try {
    return await jwtVerify(token, trusted.getKey, options)
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) throw new UnknownSigningKeyError()
    if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithEachKey(token, error, options)
    const isWithoutKid = decodeProtectedHeader(token).kid === undefined
    throw isWithoutKid && isOfAnotherKey(error) ? new UnknownSigningKeyError() : error
  }
}

/** Tries all keys that fit the algorithm, for a token without `kid`. Jose's error iterates over them. */
async function verifyWithEachKey(
  token: string,
  keys: errors.JWKSMultipleMatchingKeys,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  for await (const key of keys) {
    try {
      return await jwtVerify(token, key, options)
    } catch (error) {
      if (!isOfAnotherKey(error)) throw error
    }
  }
  throw new UnknownSigningKeyError()
}

/** Jose throws a TypeError for a key that it does not use, such as one of 1,024 bits. */
function isOfAnotherKey(error: unknown): boolean {
  return error instanceof errors.JWSSignatureVerificationFailed || error instanceof TypeError
}

function toOptions({ issuer, audience, algorithms, maxAgeSeconds }: Trusted): JWTVerifyOptions {
  const expected = audience()
  return {
    issuer: issuer(),
    ...(expected !== null && { audience: expected }),
    algorithms: [...algorithms],
    requiredClaims: ['exp'],
    clockTolerance: CLOCK_SKEW_SECONDS,
    ...(maxAgeSeconds !== undefined && { maxTokenAge: maxAgeSeconds }),
  }
}

/** A header is JSON, so that `typ` may be anything. */
function isOfType({ types }: Trusted, type: unknown): boolean {
  return types.some(
    (one) => one === type || (typeof type === 'string' && one?.toLowerCase() === type.toLowerCase()),
  )
}

/** Returns when a token expires, in seconds. */
function expiryOf({ maxAgeSeconds }: Trusted, { exp = 0, iat = 0 }: JWTPayload): number {
  return maxAgeSeconds === undefined ? exp : Math.min(exp, iat + maxAgeSeconds)
}

function nowInSeconds(): number {
  return Date.now() / 1000
}

function notAccepted(claim: string): AuthError {
  return new AuthError(`The token's ${claim} is not accepted`)
}

/** Every other error is a fault of the token: an issuer's keys are fetched before its signature is checked. */
function toAuthError(error: unknown): Error {
  if (error instanceof AuthError || error instanceof IssuerUnavailableError) return error
  if (error instanceof DirectoryError) return error
  if (error instanceof errors.JWTExpired) return new ExpiredError()
  if (error instanceof errors.JWTClaimValidationFailed) return notAccepted(error.claim)
  return new AuthError('The token could not be verified')
}
