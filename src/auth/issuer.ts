import { randomUUID } from 'node:crypto'
import type { CryptoKey, JSONWebKeySet, JWK, JWTVerifyGetKey } from 'jose'
import { JWKSNoMatchingKey } from 'jose/errors'
import { createLocalJWKSet } from 'jose/jwks/local'
import { SignJWT } from 'jose/jwt/sign'
import { exportJWK } from 'jose/key/export'
import { generateKeyPair } from 'jose/key/generate/keypair'
import { importJWK } from 'jose/key/import'
import type { Directory } from '../directory/directory.ts'
import { chooseSigner, getSigningKeys, type SigningKey } from '../directory/sealing/signing-keys.ts'
import type { Client } from '../model/clients.ts'
import { shareFor } from '../share-for.ts'

/** The algorithm that signs tokens (RFC 7518 section 3.4). */
export const SIGNING_ALGORITHM = 'ES256'
/** The `typ` of access tokens (RFC 9068 section 2.1). */
export const TOKEN_TYPE = 'at+jwt'
/** How long an access token is valid: one second short of an hour, like the tokens of the partner portal. */
export const TOKEN_SECONDS = 3599
/** How long callers share one read of the signing keys: tokens with unknown key ids need no authentication. */
const SHARED_READ_MS = 250

/** A token to sign. */
export interface TokenClaims {
  /** The `typ` of its header, which tells the kinds of tokens apart. */
  readonly type: string
  /** The only recipient that may accept the token. */
  readonly audience: string
  readonly subject: string
  readonly id: string
  /** How long the token is valid. */
  readonly seconds: number
  /** Further claims. */
  readonly others: Readonly<Record<string, unknown>>
}

/** The issuer of our own tokens. */
export interface Issuer {
  /** Returns the public URL: the value of `iss` and `aud`. */
  readonly url: () => string
  /**
   * Signs an access token (RFC 9068) for a client, valid for `TOKEN_SECONDS`.
   * @param of.id the token's `jti`; a random one by default
   * @param of.secretId the secret that the token is issued for; the token ends with it
   */
  issue(client: Client, of?: { readonly id?: string; readonly secretId?: string }): Promise<string>
  /** Signs any other token with the same key. */
  sign(claims: TokenClaims): Promise<string>
  /** Returns the public parts of the signing keys (RFC 7517). */
  jwks(): Promise<JSONWebKeySet>
  /**
   * Reads the signing keys again, because another process may have replaced them. Call it every `CACHE_TTL_MS`.
   * @throws {DirectoryError} `store_unavailable`
   * @throws {SealError} if the master key does not decrypt a signing key; the known keys stay in use
   */
  readKeys(): Promise<void>
  /** Returns whether the tokens of a signing key are still accepted. */
  isPublished(kid: string | undefined): boolean
  /** Finds the signing key of a token; the `kid` of the token names it. */
  readonly getKey: JWTVerifyGetKey
}

/** A key that can sign. */
interface Signer {
  readonly kid: string
  readonly signsAt: string
  readonly privateKey: CryptoKey | Uint8Array
}

/** The signing keys that were read from the directory. */
interface Keys {
  /** Newest first. */
  readonly signers: readonly Signer[]
  readonly kids: ReadonlySet<string | undefined>
  readonly jwks: JSONWebKeySet
  readonly getKey: JWTVerifyGetKey
}

/**
 * Opens the issuer. If the directory has no signing key, it makes the first one.
 * @param url returns the public URL, which may be known only once the server listens
 * @throws {DirectoryError} `store_unavailable`
 * @throws {SealError} if the master key does not decrypt the signing keys
 */
export async function openIssuer(dir: Directory, url: () => string): Promise<Issuer> {
  let keys = await readKeys(dir)
  const readAgain = shareFor(SHARED_READ_MS, async () => {
    keys = await readKeys(dir, keys)
  })
  // While the store fails, the known keys stay in use.
  const refresh = (): Promise<void> => readAgain().catch(() => undefined)
  const sign = (claims: TokenClaims): Promise<string> =>
    signWith(chooseSigner(keys.signers, dir.now().toISOString()) as Signer, url(), claims)
  return {
    url,
    sign,
    readKeys: readAgain,
    isPublished: (kid) => keys.kids.has(kid),
    async jwks() {
      await refresh()
      return keys.jwks
    },
    async getKey(header, token) {
      try {
        return await keys.getKey(header, token)
      } catch (error) {
        if (!(error instanceof JWKSNoMatchingKey)) throw error
        await refresh()
        return keys.getKey(header, token)
      }
    },
    issue: (client, { id = randomUUID(), secretId } = {}) =>
      sign({
        type: TOKEN_TYPE,
        audience: url(),
        subject: client.id,
        id,
        seconds: TOKEN_SECONDS,
        others: { client_id: client.id, ...(secretId !== undefined && { secret_id: secretId }) },
      }),
  }
}

function signWith(
  { kid, privateKey }: Signer,
  issuer: string,
  { type, audience, subject, id, seconds, others }: TokenClaims,
): Promise<string> {
  return new SignJWT(others)
    .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: type, kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .setJti(id)
    .sign(privateKey)
}

/** @param known returned if the directory has the same keys: to import a key takes longer than to read it */
async function readKeys(dir: Directory, known?: Keys): Promise<Keys> {
  const kept = await getSigningKeys(dir, makeSigningKey)
  const kids = new Set<string | undefined>(kept.map((key) => key.kid))
  if (known && kids.size === known.kids.size && [...kids].every((kid) => known.kids.has(kid))) return known
  const signers = await Promise.all(
    kept.map(async ({ kid, signsAt, privateJwk }) => ({
      kid,
      signsAt,
      privateKey: await importJWK(JSON.parse(privateJwk) as JWK, SIGNING_ALGORITHM),
    })),
  )
  if (signers.length === 0) throw new Error('there is no signing key')
  const jwks = { keys: kept.map((key) => JSON.parse(key.publicJwk) as JWK) }
  return { signers, kids, jwks, getKey: createLocalJWKSet(jwks) }
}

/** Makes a signing key with a random id. */
export async function makeSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
  const kid = randomUUID()
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: SIGNING_ALGORITHM, use: 'sig' }
  return {
    kid,
    publicJwk: JSON.stringify(publicJwk),
    privateJwk: JSON.stringify(await exportJWK(privateKey)),
  }
}
