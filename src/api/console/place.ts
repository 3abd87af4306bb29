import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { SignInRequest } from '../../directory/sign-in.ts'
import { type ConsoleAccess, getConsoleAccess } from '../../model/hosts.ts'

/** Where the console is, by the public URL of the service. */
export interface Place {
  readonly access: ConsoleAccess
  /** The public URL itself, without a slash at its end. */
  readonly url: string
  readonly protocol: string
  readonly host: string
  readonly origin: string
  /** The path at which a proxy serves Usher, without a slash at its end; usually empty. */
  readonly base: string
  /** Eight characters that tell this place from others on the same host. All nodes of one public URL have the same. */
  readonly mark: string
}

/** Reads where the console is. */
export function readPlace(publicUrl: string): Place {
  const { protocol, host, origin, pathname } = new URL(publicUrl)
  return {
    access: getConsoleAccess(publicUrl),
    ...{ url: publicUrl, protocol, host, origin },
    base: pathname.replace(/\/+$/, ''),
    mark: createHash('sha256').update(publicUrl).digest('hex').slice(0, 8),
  }
}

/** Any host will do: a path that leads away from it leaves the console. */
const HERE = 'http://console.invalid'
/** The longest path, in characters. A cookie holds it, and browsers keep at most 4,096 bytes of a cookie. */
const MAX_PATH = 2_000

/**
 * Returns the path under `/console` that a person goes to after signing in.
 * @param to as the browser sent it
 * @returns the path with query and fragment, without the base; `/console` for whatever leads elsewhere
 */
export function toConsolePath(to: unknown): string {
  const home = '/console'
  if (typeof to !== 'string' || to.length > MAX_PATH || !/^\/console(?=[/?#]|$)/.test(to)) return home
  if (/[\\\p{Cc}]/u.test(to) || !URL.canParse(to, HERE)) return home
  const { origin, pathname, search, hash } = new URL(to, HERE)
  const isPage = /^\/console(\/(?!\/|api(\/|$)|sign-in(\/|$)|enter(\/|$))|$)/i.test(pathname)
  const path = pathname + search + hash
  return origin === HERE && isPage && path.length <= MAX_PATH ? path : home
}

/**
 * Returns what a sign-in needs of its request.
 * @param former the token of the session that the browser has
 */
export function toSignInRequest(request: FastifyRequest, former: string | undefined): SignInRequest {
  const { correlationId, ip, headers } = request
  return { correlationId, address: ip, agent: headers['user-agent'] ?? null, former }
}
