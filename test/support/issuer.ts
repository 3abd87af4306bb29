import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'

export type Behaviour = 'keys' | 'error' | 'garbage' | 'huge' | 'many' | 'redirect' | 'hang'

/** An external issuer of tokens, whose JWKS endpoint a test can break. */
export interface TestIssuer {
  readonly issuer: string
  readonly jwksUrl: string
  readonly audience: string
  /** Returns how often the keys were fetched. */
  fetches(): number
  behave(as: Behaviour): void
  /** Replaces the signing key. */
  rotate(): Promise<void>
  /** Adds a key, published after the current one, that signs from now on. */
  addKey(alg?: 'ES256' | 'RS256'): Promise<void>
  /** Publishes a JWK as it is, in addition to the keys. */
  publish(jwk: object): void
  /** Signs a token of the client `app`, with these claims and header members in place of the right ones. */
  sign(claims?: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>
  close(): Promise<void>
}

interface Key {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: object
}

async function newKey(kid: string, alg = 'ES256'): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

export async function startIssuer(): Promise<TestIssuer> {
  let key = await newKey('key-1')
  let published = [key.jwk]
  let behaviour: Behaviour = 'keys'
  let fetches = 0
  let made = 1
  const bodies: Readonly<Record<Behaviour, () => string>> = {
    keys: () => JSON.stringify({ keys: published }),
    error: () => '{}',
    garbage: () => '<html>',
    huge: () => JSON.stringify({ keys: published, padding: 'x'.repeat(300_000) }),
    many: () => JSON.stringify({ keys: Array.from({ length: 101 }, () => published[0]) }),
    redirect: () => JSON.stringify({ keys: published }),
    hang: () => '',
  }
  const server = createServer((_, response) => {
    fetches++
    if (behaviour === 'hang') return
    response.statusCode = { error: 500, redirect: 302 }[behaviour as string] ?? 200
    if (behaviour === 'redirect') response.setHeader('location', '/keys')
    response.setHeader('connection', 'close')
    response.end(bodies[behaviour]())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [issuer, audience] = ['https://login.example', 'api://usher']
  return {
    issuer,
    audience,
    jwksUrl: `http://127.0.0.1:${port}/keys`,
    fetches: () => fetches,
    behave: (as) => {
      behaviour = as
    },
    rotate: async () => {
      key = await newKey(`key-${++made}`)
      published = [key.jwk]
    },
    addKey: async (alg) => {
      key = await newKey(`key-${++made}`, alg)
      published = [...published, key.jwk]
    },
    publish: (jwk) => {
      published = [...published, jwk]
    },
    sign: (claims = {}, header = {}) => {
      const now = Math.floor(Date.now() / 1000)
      const right = { iss: issuer, aud: audience, azp: 'app', sub: 'app', iat: now, exp: now + 3600 }
      return new SignJWT({ ...right, ...claims })
        .setProtectedHeader({ alg: key.alg, typ: 'JWT', kid: key.kid, ...header } as JWTHeaderParameters)
        .sign(key.privateKey)
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
