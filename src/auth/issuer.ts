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
import { BELIEF_MS, type Directory } from '../directory/directory.ts'
import { getSigningKeys, type SigningKey } from '../directory/sealing/signing-keys.ts'
import type { Client } from '../model/clients.ts'
import { shareFor } from '../share-for.ts'

export const SIGNING_ALGORITHM = 'ES256'
export const TOKEN_TYPE = 'at+jwt'
/** As the partner portal's own tokens: one second short of an hour. */
export const TOKEN_SECONDS = 3599

/** A token to be signed. */
export interface TokenClaims {
  /** The `typ` of its header: what tells the kinds of tokens apart. */
  readonly type: string
  /** Where it is accepted; nowhere else. */
  readonly audience: string
  readonly subject: string
  readonly id: string
  readonly seconds: number
  readonly others: Readonly<Record<string, unknown>>
}

/** Our own issuer of tokens. */
export interface Issuer {
  /** What stands in `iss` and `aud`: the public URL. */
  readonly url: () => string
  /** A signed access token (RFC 9068) for a client, valid for `TOKEN_SECONDS`. */
  issue(client: Client): Promise<string>
  /** Any other token, signed with the same key. */
  sign(claims: TokenClaims): Promise<string>
  /** The public halves of the keys. */
  jwks(): Promise<JSONWebKeySet>
  /** Resolves a token's key by its `kid`. */
  readonly getKey: JWTVerifyGetKey
}

/** The keys as they were read from the directory at one moment. */
interface Keys {
  readonly newest: { readonly kid: string; readonly privateKey: CryptoKey | Uint8Array }
  readonly jwks: JSONWebKeySet
  readonly getKey: JWTVerifyGetKey
}

/**
 * Loads the signing keys, making the first one in an empty directory.
 * @param url known only once the server listens, hence a function
 */
export async function openIssuer(dir: Directory, url: () => string): Promise<Issuer> {
  let keys = await readKeys(dir)
  // Another process may have made a key since. While the store fails, the known keys stay in use.
  const refresh = shareFor(BELIEF_MS, async (): Promise<Keys> => {
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
