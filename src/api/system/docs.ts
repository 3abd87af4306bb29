import type { FastifyInstance } from 'fastify'
import { LOGO } from './logo.ts'

/** The page loads only from this server. Swagger UI also needs styles on elements and images from `data:` URLs. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

interface DocsOptions {
  /** Whether the document of the console's API is one of them. */
  readonly hasConsole: boolean
}

/**
 * Serves a page of all API documents at `/docs`, to which `/` leads. It needs nothing from the internet. All addresses in
 * it are relative, so it also works where a proxy serves Usher below a path. Its files are loaded when it is first asked
 * for, because they would slow down every start.
 */
export function serveDocs(app: FastifyInstance, { hasConsole }: DocsOptions): void {
  let page: Promise<FastifyInstance> | undefined
  for (const url of ['/docs', '/docs/static/*']) {
    app.route({
      method: ['GET', 'HEAD'],
      url,
      schema: { hide: true },
      async handler(request, reply) {
        // The relative addresses start from `/docs`. HEAD has the length of GET.
        if (/^[^?]*\/docs\/(\?|$)/i.test(request.url))
          return reply.header('content-length', '0').redirect('../docs')
        page ??= buildPage({ hasConsole })
        const { routing } = await page
        reply.hijack()
        routing(request.raw, reply.raw)
      },
    })
  }
  app.get('/', { schema: { hide: true } }, (_, reply) => reply.redirect('docs'))
}

/** Builds a server of the page alone. It does not listen: the server that has the connection passes requests on. */
async function buildPage({ hasConsole }: DocsOptions): Promise<FastifyInstance> {
  const [{ default: Fastify }, { default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('fastify'),
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ])
  const app = Fastify({ exposeHeadRoutes: true })
  app.addHook('onRequest', (_, reply, done) => {
    reply.header('x-content-type-options', 'nosniff')
    done()
  })
  // The page demands this plugin, and uses it only where the documents are not its own.
  await app.register(swagger)
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: '.',
    logo: { type: 'image/svg+xml', content: LOGO },
    theme: { title: 'Usher: API documentation' },
    staticCSP: CONTENT_SECURITY_POLICY,
    uiConfig: {
      urls: [
        { url: 'openapi/customer.json', name: 'Partner portal' },
        { url: 'openapi/osis.json', name: 'OSIS' },
        { url: 'openapi/oauth.json', name: 'Tokens' },
        { url: 'openapi/system.json', name: 'Operation' },
        ...(hasConsole ? [{ url: 'openapi/console.json', name: 'Console' }] : []),
      ],
      layout: 'StandaloneLayout',
      deepLinking: true,
      // The badge of the validator would send the address of the document to a server on the internet.
      validatorUrl: null,
    } as object,
  })
  await app.ready()
  return app
}
