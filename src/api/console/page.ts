import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ConsoleBuild } from './build.ts'
import { chooseCoding, SUFFIXES } from './codings.ts'
import { assertHost, assertSecure, RefusedRequestError } from './guard.ts'
import { setSecurityHeaders } from './headers.ts'
import type { Place } from './place.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
/** A build gives a file another name when its content changes. */
const FOR_EVER = 'public, max-age=31536000, immutable'
const NOT_BUILT = 'The console has not been built: npm run console:build'

/**
 * Serves the console: one page at `/console` and below it, and the files of the build. Which page a person sees is
 * decided in the browser.
 */
export function servePages(
  app: FastifyInstance,
  getPlace: () => Place,
  findBuild: () => ConsoleBuild | undefined,
): void {
  app.get('/console/assets/:name', { schema: { hide: true } }, async (request, reply) => {
    setSecurityHeaders(reply)
    const { name } = request.params as { readonly name: string }
    const sent = await sendAsset(findBuild(), name, { request, reply })
    return sent ?? reply.callNotFound()
  })
  for (const url of ['/console', '/console/*']) {
    app.get(url, { schema: { hide: true } }, (request, reply) => {
      setSecurityHeaders(reply)
      if (/^\/console\/(api|assets)(\/|\?|$)/i.test(request.url)) return reply.callNotFound()
      reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache')
      const place = getPlace()
      const refusal = findRefusal(request, place)
      if (refusal)
        return reply.code(refusal.code === 'wrong_host' ? 421 : 403).send(toMessagePage(refusal.message))
      const build = findBuild()
      if (!build) return reply.code(503).send(toMessagePage(NOT_BUILT))
      const { html, etag } = build.toPage(place.base)
      reply.header('etag', etag)
      return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(html)
    })
  }
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** Sends a file of the build, compressed as the browser likes. Undefined if the build has no such file. */
async function sendAsset(
  build: ConsoleBuild | undefined,
  name: string,
  { request, reply }: Exchange,
): Promise<FastifyReply | undefined> {
  if (!build?.files.has(name)) return undefined
  const coding = chooseCoding(request.headers['accept-encoding'])
  const bytes = await readFile(join(build.folder, `${name}${SUFFIXES[coding]}`)).catch(() => undefined)
  if (!bytes) return undefined
  if (coding !== 'identity') reply.header('content-encoding', coding)
  reply.headers({ 'cache-control': FOR_EVER, vary: 'accept-encoding' })
  return reply.type(TYPES[extname(name)] ?? 'application/octet-stream').send(bytes)
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

/** Returns a page without scripts. */
function toMessagePage(message: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Usher</title>
</head>
<body>
<main><h1>Usher</h1><p>${message}</p></main>
</body>
</html>
`
}
