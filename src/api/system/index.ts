import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { type ApiDocument, describeApi } from '../openapi.ts'
import { retryAfter, retryAfterHeader } from '../retry-after.ts'
import { openRoute, type Route } from '../route.ts'
import { LOGO } from './logo.ts'

/** What health and metrics need. */
export interface SystemApi {
  /** Rejects if the store cannot be written. */
  readonly checkReady: () => Promise<void>
  /** Returns the metrics in the text format of Prometheus. */
  readonly readMetrics: () => Promise<{ contentType: string; text: string }>
}

/** Serves health, metrics, the page of the API documents and the logo, all without authentication. */
export async function systemApi(app: FastifyInstance, parts: SystemApi): Promise<void> {
  await describeApi(app, '/openapi/system.json', document)
  for (const declared of routes) app.route(declared(parts))
  await registerDocs(app)
}

const document: ApiDocument = {
  info: {
    title: 'Usher: operation',
    version: '1',
    description: 'For load balancers and monitoring. Open to everybody who can reach it.',
  },
  tags: [{ name: 'Operation' }],
}

const tags = ['Operation']

const Health = Type.Object(
  { status: Type.Unsafe<'ok' | 'unavailable'>({ type: 'string', enum: ['ok', 'unavailable'] }) },
  { description: 'The answer' },
)

const health = {
  url: '/healthz',
  schemas: {},
  answers: { 200: Health },
  handle: () => ({ status: 200, body: { status: 'ok' } }) as const,
}

const ready = {
  url: '/readyz',
  schemas: {},
  answers: { 200: Health, 503: { ...Health, headers: retryAfterHeader } },
  async handle(_: unknown, { checkReady }: SystemApi) {
    try {
      await checkReady()
      return { status: 200, body: { status: 'ok' } } as const
    } catch {
      // The reason is only logged, because the caller is not authenticated.
      return { status: 503, headers: retryAfter, body: { status: 'unavailable' } } as const
    }
  },
}

const routes: readonly Route<SystemApi>[] = [
  openRoute({
    ...health,
    method: 'GET',
    document: { operationId: 'health', tags, summary: 'Whether the process answers' },
  }),
  openRoute({
    ...ready,
    method: 'GET',
    document: { operationId: 'ready', tags, summary: 'Whether the store can be written' },
  }),
  // Load balancers use HEAD.
  openRoute({ ...health, method: 'HEAD', document: { hide: true } }),
  openRoute({ ...ready, method: 'HEAD', document: { hide: true } }),

  openRoute({
    method: 'GET',
    url: '/metrics',
    document: { operationId: 'metrics', tags, summary: "Metrics in Prometheus' text format" },
    schemas: {},
    answers: { 200: { description: 'The metrics', content: { 'text/plain': { schema: Type.String() } } } },
    async handle(_, { readMetrics }) {
      const { contentType, text } = await readMetrics()
      return { status: 200, headers: { 'content-type': contentType }, text }
    },
  }),

  openRoute({
    method: 'GET',
    url: '/logo.svg',
    document: { hide: true },
    schemas: {},
    answers: { 200: { description: 'The logo', content: { 'image/svg+xml': { schema: Type.String() } } } },
    handle: () => ({
      status: 200,
      headers: { 'content-type': 'image/svg+xml', 'cache-control': 'public, max-age=86400' },
      text: LOGO,
    }),
  }),
]

/** The page loads only from this server. Swagger UI also needs styles on elements and images from `data:` URLs. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Serves a page of all API documents. It needs nothing from the internet. */
async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    logo: { type: 'image/svg+xml', content: LOGO },
    theme: { title: 'Usher: API documentation' },
    staticCSP: CONTENT_SECURITY_POLICY,
    uiConfig: {
      urls: [
        { url: '/openapi/customer.json', name: 'Partner portal' },
        { url: '/openapi/osis.json', name: 'OSIS' },
        { url: '/openapi/oauth.json', name: 'Tokens' },
        { url: '/openapi/system.json', name: 'Operation' },
      ],
      layout: 'StandaloneLayout',
      deepLinking: true,
      // The badge of the validator would send the address of the document to a server on the internet.
      validatorUrl: null,
    } as object,
  })
}
