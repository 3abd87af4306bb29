import type { FastifyRequest } from 'fastify'
import { CONSOLE_REFUSED, isLoopback } from '../../model/hosts.ts'
import type { ProblemCode } from './contract/parts.ts'
import type { Place } from './place.ts'

/** A request that is refused for where it comes from, or how: before anything of it is read. */
export class RefusedRequestError extends Error {
  readonly code: Extract<ProblemCode, 'wrong_host' | 'insecure' | 'cross_site'>

  constructor(code: RefusedRequestError['code'], message: string) {
    super(message)
    this.name = 'RefusedRequestError'
    this.code = code
  }
}

/**
 * Checks that a request names this service as its host: else a foreign name may point here (DNS rebinding).
 * @throws {RefusedRequestError} `wrong_host`
 */
export function assertHost({ host, protocol }: Place, request: FastifyRequest): void {
  const url = `${protocol}//${request.host}`
  const named = request.headers.host && URL.canParse(url) ? new URL(url) : undefined
  if (named && (named.host === host || isLoopback(named.hostname))) return
  throw new RefusedRequestError(
    'wrong_host',
    `The console is at another address. Set USHER_PUBLIC_URL to the URL at which people reach it.`,
  )
}

/**
 * Checks that browsers keep the cookies of the console.
 * @throws {RefusedRequestError} `insecure`
 */
export function assertSecure({ access }: Place): void {
  if (access === 'refused') throw new RefusedRequestError('insecure', CONSOLE_REFUSED)
}

/**
 * Checks that a request comes from a page of the console itself. A cookie with `SameSite=Strict` is not enough: another
 * port of the same host is the same site. A browser without `Sec-Fetch-Site` must send an `Origin`.
 * @throws {RefusedRequestError} `cross_site`
 */
export function assertSameOrigin({ origin, protocol }: Place, request: FastifyRequest): void {
  const { 'sec-fetch-site': site, origin: from } = request.headers
  if (site === 'same-origin') return
  const own = [origin, ...(isLoopback(request.hostname) ? [`${protocol}//${request.host}`] : [])]
  if (site === undefined && from !== undefined && own.includes(from)) return
  throw new RefusedRequestError('cross_site', 'Only the pages of the console may call its API.')
}
