import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { assertHost, assertSecure, RefusedRequestError } from './guard.ts'
import { setSecurityHeaders } from './headers.ts'
import { ENTRY_SCRIPT, ENTRY_STYLE, toEntryPage, toRefusalPage } from './page-files.ts'
import type { Place } from './place.ts'

/**
 * Serves the pages of the console: one page at `/console` and below it, and its files. Which page a person sees is
 * decided in the browser.
 */
export function servePages(app: FastifyInstance, getPlace: () => Place): void {
  const files = {
    '/console/assets/entry.js': { type: 'text/javascript; charset=utf-8', text: ENTRY_SCRIPT },
    '/console/assets/entry.css': { type: 'text/css; charset=utf-8', text: ENTRY_STYLE },
  }
  for (const [url, { type, text }] of Object.entries(files)) {
    app.get(url, { schema: { hide: true } }, (request, reply) => {
      setSecurityHeaders(reply)
      return sendFile(request, reply.type(type), text)
    })
  }
  for (const url of ['/console', '/console/*']) {
    app.get(url, { schema: { hide: true } }, (request, reply) => {
      setSecurityHeaders(reply)
      if (/^\/console\/(api|assets)(\/|\?|$)/i.test(request.url)) return reply.callNotFound()
      reply.type('text/html; charset=utf-8')
      const refusal = findRefusal(request, getPlace())
      if (refusal)
        return reply.code(refusal.code === 'wrong_host' ? 421 : 403).send(toRefusalPage(refusal.message))
      return sendFile(request, reply, toEntryPage(getPlace().base))
    })
  }
}

function findRefusal(request: FastifyRequest, place: Place): RefusedRequestError | undefined {
  try {
    assertHost(place, request)
    assertSecure(place)
    return undefined
  } catch (error) {
    if (error instanceof RefusedRequestError) return error
    throw error
  }
}

/** Sends a file that browsers keep, but ask for again each time (RFC 9110 section 13.1.2). */
function sendFile(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const etag = `"${hash('sha256', text, 'base64url').slice(0, 16)}"`
  reply.headers({ etag, 'cache-control': 'no-cache' })
  return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(text)
}
