import { isSecretOf, noteClientUse } from '../directory/client-secrets.ts'
import { findClient } from '../directory/clients.ts'
import type { Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'
import { AuthError } from './auth-error.ts'
import { newClientFinder } from './clients.ts'

/** What a client presents to authenticate itself. */
export interface Credentials {
  readonly id: string
  readonly secret: string
}

/**
 * Reads the id and password of a Basic `Authorization` header (RFC 7617) in UTF-8.
 * @returns undefined if the header is not Basic, or is malformed
 */
export function readBasic(authorization: string | undefined): Credentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const decoded = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  return colon < 0 ? undefined : { id: decoded.slice(0, colon), secret: decoded.slice(colon + 1) }
}

/**
 * Returns the client that an id and secret belong to.
 * @throws {AuthError} if there is none; the message does not say which of the two was wrong
 * @throws {DirectoryError} `store_unavailable`
 */
export type SecretCheck = (id: string, secret: string) => Promise<Client>

/** Returns a function that authenticates clients by their secrets. A client is cached for CACHE_TTL_MS. */
export function newSecretCheck(dir: Directory): SecretCheck {
  const findCached = newClientFinder(dir)
  return async (id, secret) => {
    let client = await findCached(id)
    // The secret may be newer than the cached client.
    if (client && !isSecretOf(client, secret, dir.now())) client = await findClient(dir, id)
    if (!client || !isSecretOf(client, secret, dir.now()))
      throw new AuthError('The client id or secret is wrong')
    noteClientUse(dir, client)
    return client
  }
}

/**
 * Reads a Basic header whose id and password are form-encoded, as OAuth demands (RFC 6749 section 2.3.1). OSIS does not
 * encode them.
 * @returns undefined also if they are not form-encoded
 */
export function readFormEncodedBasic(authorization: string | undefined): Credentials | undefined {
  const encoded = readBasic(authorization)
  if (!encoded) return undefined
  try {
    return { id: formDecode(encoded.id), secret: formDecode(encoded.secret) }
  } catch {
    return undefined
  }
}

/** @throws {URIError} if a percent sign does not begin an escape of UTF-8 */
function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
