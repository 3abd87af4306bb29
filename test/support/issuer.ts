import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export type Behaviour = 'keys' | 'error' | 'garbage' | 'hang'

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
  sign(claims?: JWTPayload): Promise<string>
  close(): Promise<void>
}

interface Key {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: object
}

async function newKey(kid: string): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}

export async function startIssuer(): Promise<TestIssuer> {
  let key = await newKey('key-1')
  let behaviour: Behaviour = 'keys'
  let fetches = 0
  const server = createServer((_, response) => {
    fetches++
    if (behaviour === 'hang') return
    response.statusCode = behaviour === 'error' ? 500 : 200
    response.setHeader('connection', 'close')
    response.end(behaviour === 'keys' ? JSON.stringify({ keys: [key.jwk] }) : '<html>')
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
      key = await newKey(`key-${fetches + 2}`)
    },
    sign: (claims = {}) =>
      new SignJWT({ azp: 'app', ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: key.kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(key.privateKey),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
