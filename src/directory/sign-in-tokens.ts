import { hash, randomBytes } from 'node:crypto'

/** The form of the tokens of sessions and links: 256 random bits, base64url. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/

/** Makes the token of a session or a link. The store holds its hash alone. */
export function newSignInToken(): { readonly token: string; readonly hash: string } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: hashOf(token) }
}

/** Returns the hash under which a token is stored; undefined for a text that is no token. */
export function hashSignInToken(token: string): string | undefined {
  return TOKEN.test(token) ? hashOf(token) : undefined
}

function hashOf(token: string): string {
  return hash('sha256', token, 'base64url')
}
