import { randomUUID } from 'node:crypto'
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
  SignJWT,
} from 'jose'
import { CACHE_TTL_MS, type Directory } from '../directory/directory.ts'
import { getSigningKeys, type SigningKey } from '../directory/sealing/signing-keys.ts'
import type { Client } from '../model/clients.ts'
import { shareFor } from '../share-for.ts'

/** The algorithm that signs tokens (RFC 7518 section 3.4). */
export const SIGNING_ALGORITHM = 'ES256'
/** The `typ` of access tokens (RFC 9068 section 2.1). */
export const TOKEN_TYPE = 'at+jwt'
/** How long an access token is valid: one second short of an hour, like the tokens of the partner portal. */
export const TOKEN_SECONDS = 3599

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
  /** Signs an access token (RFC 9068) for a client, valid for `TOKEN_SECONDS`. */
  issue(client: Client): Promise<string>
  /** Signs any other token with the same key. */
  sign(claims: TokenClaims): Promise<string>
  /** Returns the public parts of the signing keys (RFC 7517). */
  jwks(): Promise<JSONWebKeySet>
  /** Finds the signing key of a token; the `kid` of the token names it. */
  readonly getKey: JWTVerifyGetKey
}

/** The signing keys that were read from the directory. */
interface Keys {
  readonly newest: { readonly kid: string; readonly privateKey: CryptoKey | Uint8Array }
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
  // Another process may have made a signing key since. While the store fails, the known keys stay in use.
  const refresh = shareFor(CACHE_TTL_MS, async (): Promise<Keys> => {
    keys = await readKeys(dir).catch(() => keys)
    return keys
  })
  const sign = ({ type, audience, subject, id, seconds, others }: TokenClaims): Promise<string> =>
    new SignJWT(others)
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: type, kid: keys.newest.kid })
      .setIssuer(url())
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(`${seconds}s`)
      .setJti(id)
      .sign(keys.newest.privateKey)
  return {
    url,
    sign,
    jwks: async () => (await refresh()).jwks,
    async getKey(header, token) {
      try {
        return await keys.getKey(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        return (await refresh()).getKey(header, token)
      }
    },
    issue: (client) =>
      sign({
        type: TOKEN_TYPE,
        audience: url(),
        subject: client.id,
        id: randomUUID(),
        seconds: TOKEN_SECONDS,
        others: { client_id: client.id },
      }),
  }
}

async function readKeys(dir: Directory): Promise<Keys> {
  const kept = await getSigningKeys(dir, makeSigningKey)
  const [newest] = kept
  if (!newest) throw new Error('there is no signing key')
  const privateKey = await importJWK(JSON.parse(newest.privateJwk) as JWK, SIGNING_ALGORITHM)
  const jwks = { keys: kept.map((key) => JSON.parse(key.publicJwk) as JWK) }
  return { newest: { kid: newest.kid, privateKey }, jwks, getKey: createLocalJWKSet(jwks) }
}

async function makeSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
  const kid = randomUUID()
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: SIGNING_ALGORITHM, use: 'sig' }
  return {
    kid,
    publicJwk: JSON.stringify(publicJwk),
    privateJwk: JSON.stringify(await exportJWK(privateKey)),
  }
}
