import { randomUUID } from 'node:crypto'
import {
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
  SignJWT,
} from 'jose'
import type { Directory } from '../directory/directory.ts'
import { getSigningKeys, type SigningKey } from '../directory/signing-keys.ts'
import type { Client } from '../model/clients.ts'

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
  readonly jwks: JSONWebKeySet
  /** Resolves a token's key by its `kid`. */
  readonly getKey: JWTVerifyGetKey
}

/**
 * Loads the signing keys, making the first one in an empty directory.
 * @param url known only once the server listens, hence a function
 */
export async function openIssuer(dir: Directory, url: () => string): Promise<Issuer> {
  const keys = await getSigningKeys(dir, makeSigningKey)
  const [newest] = keys
  if (!newest) throw new Error('there is no signing key')
  const privateKey = await importJWK(JSON.parse(newest.privateJwk) as JWK, SIGNING_ALGORITHM)
  const jwks = { keys: keys.map((key) => JSON.parse(key.publicJwk) as JWK) }
  const sign = ({ type, audience, subject, id, seconds, others }: TokenClaims): Promise<string> =>
    new SignJWT(others)
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: type, kid: newest.kid })
      .setIssuer(url())
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(`${seconds}s`)
      .setJti(id)
      .sign(privateKey)
  return {
    url,
    jwks,
    getKey: createLocalJWKSet(jwks),
    sign,
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
