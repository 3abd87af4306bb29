import type { FastifyInstance } from 'fastify'

/** Most outages that callers meet are restarts and locks, which take seconds. */
const RETRY_AFTER_SECONDS = 5

/** What a document says about the header `Retry-After`, which every 503 has. */
export const retryAfterHeader = {
  'Retry-After': { type: 'integer', description: 'Seconds to wait before the call is repeated (RFC 9110).' },
} as const

/** What a document says about the headers of a 429 (draft-ietf-httpapi-ratelimit-headers-11). */
export const rateLimitHeaders = {
  ...retryAfterHeader,
  'RateLimit-Policy': { type: 'string', description: 'The limit: `q` requests in `w` seconds.' },
  RateLimit: { type: 'string', description: 'What is left: `r` requests in the next `t` seconds.' },
} as const

/** The header itself, for a route that sends its 503 as text. */
export const retryAfter = { 'retry-after': String(RETRY_AFTER_SECONDS) } as const

/**
 * Adds `Retry-After` (RFC 9110 section 10.2.3) to every error with status 503 that does not have it. A hook does it, and
 * not each API, so that no 503 can lack it. Errors are sent as objects and successes as text, so a create does not pass
 * this hook.
 */
export function addRetryAfter(app: FastifyInstance): void {
  app.addHook('preSerialization', (_, reply, payload, done) => {
    if (reply.statusCode === 503 && !reply.hasHeader('retry-after')) reply.headers(retryAfter)
    done(null, payload)
  })
}
