import type { FastifyInstance } from 'fastify'
import { Type } from '../../json-schema.ts'
import { type ApiDocument, describeApi } from '../openapi.ts'
import { retryAfter, retryAfterHeader } from '../retry-after.ts'
import { openRoute, type Route } from '../route.ts'
import { serveDocs } from './docs.ts'
import { LOGO } from './logo.ts'

type MetricsReader = () => Promise<{ readonly contentType: string; readonly text: string }>

/** What health and metrics need. */
export interface SystemApi {
  /** Rejects if the store cannot be written. */
  readonly checkReady: () => Promise<void>
  /** Returns the metrics in the text format of Prometheus. */
  readonly readMetrics: MetricsReader
  /** Whether another listener serves the metrics. */
  readonly metricsApart: boolean
  /** Null if the console is left out, and its document with it. */
  readonly console: object | null
  /** Returns the URL of the service, without a slash at the end. */
  readonly publicUrl: () => string
}

/** Serves health, metrics, the page of the API documents and the logo, all without authentication. */
export async function systemApi(app: FastifyInstance, parts: SystemApi): Promise<void> {
  describeApi(app, '/openapi/system.json', document, parts.publicUrl)
  for (const declared of routes) app.route(declared(parts))
  if (!parts.metricsApart) serveMetrics(app, parts.readMetrics)
  serveDocs(app, { hasConsole: parts.console !== null })
}

const document: ApiDocument = {
  info: {
    title: 'Usher: operation',
    version: '1',
    description: 'For load balancers and monitoring. It needs no authentication.',
  },
  tags: [{ name: 'Operation', description: 'Health and metrics.' }],
}

const tags = ['Operation']

const Health = Type.Object(
  { status: Type.Unsafe<'ok' | 'unavailable'>({ type: 'string', enum: ['ok', 'unavailable'] }) },
  { description: 'The health' },
)

const health = {
  url: '/healthz',
  schemas: {},
  responses: { 200: Health },
  handle: () => ({ status: 200, body: { status: 'ok' } }) as const,
}

const ready = {
  url: '/readyz',
  schemas: {},
  responses: { 200: Health, 503: { ...Health, headers: retryAfterHeader } },
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
    document: {
      operationId: 'health',
      tags,
      summary: 'Whether the process responds',
      description: 'For liveness probes: it touches neither the store nor the platform.',
    },
  }),
  openRoute({
    ...ready,
    method: 'GET',
    document: {
      operationId: 'ready',
      tags,
      summary: 'Whether the store can be written',
      description: 'For readiness probes. Callers within a second share one check.',
    },
  }),
  openRoute({
    method: 'GET',
    url: '/logo.svg',
    document: { hide: true },
    schemas: {},
    responses: { 200: { description: 'The logo', content: { 'image/svg+xml': { schema: Type.String() } } } },
    handle: () => ({
      status: 200,
      headers: { 'content-type': 'image/svg+xml', 'cache-control': 'public, max-age=86400' },
      text: LOGO,
    }),
  }),
]

const metricsRoute: Route<MetricsReader> = openRoute({
  method: 'GET',
  url: '/metrics',
  document: {
    operationId: 'metrics',
    tags,
    summary: "Metrics in Prometheus' text format",
    description: 'docs/operating.md lists the metrics. They work while the store is down.',
  },
  schemas: {},
  responses: { 200: { description: 'The metrics', content: { 'text/plain': { schema: Type.String() } } } },
  async handle(_, readMetrics: MetricsReader) {
    const { contentType, text } = await readMetrics()
    return { status: 200, headers: { 'content-type': contentType }, text }
  },
})

/**
 * Serves `/metrics`, without authentication.
 * @param readMetrics returns the metrics in the text format of Prometheus
 */
export function serveMetrics(app: FastifyInstance, readMetrics: MetricsReader): void {
  app.route(metricsRoute(readMetrics))
}
