import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { type ApiDocument, describeApi } from '../openapi.ts'
import { LOGO } from './logo.ts'

export interface SystemApi {
  /** Rejects when the store cannot be written. */
  readonly checkReady: () => Promise<void>
  /** The metrics in Prometheus' text format. */
  readonly readMetrics: () => Promise<{ contentType: string; text: string }>
}

/** What is nobody's dialect: health, metrics, the page of the API documents, the logo. None of it needs authentication. */
export async function systemApi(app: FastifyInstance, parts: SystemApi): Promise<void> {
  await describeApi(app, '/openapi/system.json', document)
  registerHealth(app, parts)
  registerMetrics(app, parts)
  app.get('/logo.svg', { schema: { hide: true } }, async (_, reply) => {
    reply.header('content-type', 'image/svg+xml').header('cache-control', 'public, max-age=86400')
    return LOGO
  })
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

function registerHealth(app: FastifyInstance, { checkReady }: SystemApi): void {
  const tags = ['Operation']
  const health = async (): Promise<object> => ({ status: 'ok' })
  const ready = async (_: FastifyRequest, reply: FastifyReply): Promise<object> => {
    try {
      await checkReady()
      return { status: 'ok' }
    } catch {
      // Whoever asks without authentication learns that, not why; the log says why.
      reply.code(503)
      return { status: 'unavailable' }
    }
  }
  const healthAnswers = { 200: Health }
  const readyAnswers = { 200: Health, 503: Health }
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'health',
        tags,
        summary: 'Whether the process answers',
        response: healthAnswers,
      },
    },
    health,
  )
  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'ready',
        tags,
        summary: 'Whether the store can be written',
        response: readyAnswers,
      },
    },
    ready,
  )
  // Load balancers ask by HEAD.
  app.head('/healthz', { schema: { hide: true } }, health)
  app.head('/readyz', { schema: { hide: true } }, ready)
}

const Health = Type.Object(
  { status: Type.String({ enum: ['ok', 'unavailable'] }) },
  { description: 'The answer' },
)

function registerMetrics(app: FastifyInstance, { readMetrics }: SystemApi): void {
  const schema = {
    operationId: 'metrics',
    tags: ['Operation'],
    summary: "Metrics in Prometheus' text format",
    response: { 200: { description: 'The metrics', content: { 'text/plain': { schema: Type.String() } } } },
  }
  app.get('/metrics', { schema }, async (_, reply) => {
    const { contentType, text } = await readMetrics()
    reply.header('content-type', contentType)
    return text
  })
}

/** Nothing from anywhere else; Swagger UI sets styles on elements and draws images from data. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** A page that needs nothing from the internet. */
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
      // The validator's badge would send the document's address to a server on the internet.
      validatorUrl: null,
    } as object,
  })
}
