import { isSecretOf } from '../directory/clients.ts'
import type { Client } from '../model/clients.ts'
import { AuthError } from './auth-error.ts'
import type { ClientFinder } from './clients.ts'

/**
 * Reads the id and password of a Basic `Authorization` header (RFC 7617) in UTF-8.
 * @returns undefined if the header is not Basic, or is malformed
 */
export function readBasic(authorization: string | undefined): { id: string; secret: string } | undefined {
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
export async function checkSecret(findClient: ClientFinder, id: string, secret: string): Promise<Client> {
  const client = await findClient(id)
  if (!client || !isSecretOf(client, secret)) throw new AuthError('The client id or secret is wrong')
  return client
}
