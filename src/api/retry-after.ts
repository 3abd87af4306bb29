import type { FastifyInstance } from 'fastify'

/** Most outages that callers meet are restarts and locks, which take seconds. */
const RETRY_AFTER_SECONDS = 5

/** What a document says about the header `Retry-After`, which every 503 has. */
export const retryAfterHeader = {
  'Retry-After': { type: 'integer', description: 'Seconds to wait before the call is repeated (RFC 9110).' },
} as const

/**
 * Adds `Retry-After` (RFC 9110 section 10.2.3) to every response with status 503 that does not have it. A hook does it,
 * and not each API, so that no 503 can lack it.
 */
export function addRetryAfter(app: FastifyInstance): void {
  app.addHook('onSend', (_, reply, _payload, done) => {
    if (reply.statusCode === 503 && !reply.hasHeader('retry-after'))
      reply.header('retry-after', String(RETRY_AFTER_SECONDS))
    done()
  })
}
