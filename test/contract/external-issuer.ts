import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

type Key = Parameters<SignJWT['sign']>[0]

/** An external issuer of tokens, with its key set on 127.0.0.1. */
export interface ExternalIssuer {
  readonly issuer: string
  readonly audience: string
  readonly jwksUrl: string
  /** The value of USHER_ISSUERS that makes Usher trust it. */
  readonly setting: string
  /** Its public RSA key, which an attacker can have too. */
  readonly publicPem: string
  /** Signs a token with these claims in place of the right ones; undefined leaves one out. */
  sign(
    claims?: Record<string, unknown>,
    options?: { header?: Record<string, unknown>; key?: Key },
  ): Promise<string>
  /** Signs a token with exactly these claims, and these header members in place of the right ones. */
  signClaims(claims: Record<string, unknown>, header?: Record<string, unknown>, key?: Key): Promise<string>
  end(): Promise<void>
}

export const EXTERNAL_CLIENT = 'the-portal'

export async function startIssuer(): Promise<ExternalIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'rsa-1', use: 'sig' }
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // `--test-name-pattern` may leave out the tests of a file, whose hooks then do not end it.
  server.unref()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = 'https://login.example.com/v2.0'
  const audience = 'api://usher-under-test'
  const jwksUrl = `${url}/keys`
  const signClaims: ExternalIssuer['signClaims'] = (claims, header = {}, key = privateKey) =>
    // JSON leaves out what is undefined.
    new SignJWT(JSON.parse(JSON.stringify(claims)) as JWTPayload)
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'rsa-1', ...header })
      .sign(key)
  return {
    ...{ issuer, audience, jwksUrl, signClaims },
    setting: JSON.stringify([{ issuer, jwksUrl, audience }]),
    publicPem: await exportSPKI(publicKey),
    sign(claims = {}, { header, key } = {}) {
      const now = Math.floor(Date.now() / 1000)
      const client = claims.azp ?? EXTERNAL_CLIENT
      const right = { iss: issuer, aud: audience, azp: client, sub: client, iat: now, exp: now + 600 }
      return signClaims({ ...right, ...claims }, header, key)
    },
    async end() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
