import { isIP } from 'node:net'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { BearerCheck } from '../auth/bearer.ts'
import type { SecretCheck } from '../auth/clients.ts'
import type { Issuer } from '../auth/issuer.ts'
import type { OsisTokens } from '../auth/osis-tokens.ts'
import type { Directory } from '../directory/directory.ts'
import type { Logger } from '../logger.ts'
import type { PlatformView } from '../provisioning/platform-view.ts'
import type { Reconciler } from '../provisioning/reconciler.ts'
import type { WebhookSender } from '../webhooks/sender.ts'
import { BODY_LIMITS, newBodyRooms } from './bodies.ts'
import { type ConsoleApi, consoleApi } from './console/index.ts'
import { logFailure } from './dialect.ts'
import { newLimits, type RateLimits } from './limits.ts'
import { oauthApi } from './oauth/index.ts'
import { osisApi } from './osis/index.ts'
import type { S3Capabilities } from './osis/platform-schemas.ts'
import type { OsisSettings } from './osis/settings.ts'
import { partnerApi } from './partner/index.ts'
import { addRetryAfter } from './retry-after.ts'
import { type SystemApi, serveMetrics, systemApi } from './system/index.ts'

/** What the APIs need. */
export interface ServerParts extends SystemApi {
  readonly dir: Directory
  readonly checkSecret: SecretCheck
  readonly bearer: BearerCheck
  readonly issuer: Issuer
  readonly osisTokens: OsisTokens
  readonly osisSettings: OsisSettings
  /** The S3 capabilities that the operator configured; null to use those of the platform. */
  readonly s3Capabilities: S3Capabilities | null
  readonly reconciler: Reconciler
  readonly platform: PlatformView
  readonly webhooks: WebhookSender
  /** What the console needs besides; null to leave the console out. */
  readonly console: Pick<ConsoleApi, 'checkSession' | 'explainer' | 'openId' | 'version'> | null
  /** Returns the URL of the service, without a slash at the end. */
  readonly publicUrl: () => string
  /** Addresses and CIDR ranges of proxies. Only their `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[]
  readonly rateLimits: RateLimits
  readonly log: Logger
  readonly observeRequest: (operation: string, status: number, seconds: number) => void
}

/** How long a request may take to arrive, in milliseconds: its headers and its body together. */
const REQUEST_MS = 30_000
/** How many times in `REQUEST_MS` Node looks for late requests. */
const CHECKS = 30

/**
 * Builds the HTTP server with all APIs. It does not listen yet.
 * @param requestMs how long a request may take to arrive, in milliseconds
 */
export async function buildServer(parts: ServerParts, requestMs = REQUEST_MS): Promise<FastifyInstance> {
  const app = newApp(parts.trustedProxies, requestMs)
  addRetryAfter(app)
  observe(app, parts)
  // Handles requests outside all APIs; each API has its own error handler.
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) logFailure(parts.log, request, error)
    reply.code(status < 500 ? status : 503).send({ status: status < 500 ? 'refused' : 'unavailable' })
  })
  const shared = { rooms: newBodyRooms(parts.log), limits: newLimits(app, parts.rateLimits, parts.log) }
  const { osisTokens: tokens, osisSettings: settings } = parts
  await app.register(partnerApi, { ...parts, ...shared })
  await app.register(osisApi, { ...parts, ...shared, tokens, settings })
  await app.register(oauthApi, { ...parts, ...shared })
  if (parts.console) await app.register(consoleApi, { ...parts, ...shared, ...parts.console })
  await app.register(systemApi, parts)
  return app
}

/** Builds a server of the metrics alone. It does not listen yet. */
export function buildMetricsServer(readMetrics: SystemApi['readMetrics']): FastifyInstance {
  const app = newApp([], REQUEST_MS)
  serveMetrics(app, readMetrics)
  return app
}

/**
 * Reads what a proxy forwards where it is not an address alone. Some proxies add the port (`192.0.2.7:4711`). Anything
 * else is ignored, so that a source address always is one.
 */
async function readForwarded(request: FastifyRequest): Promise<void> {
  if (isIP(request.ip) !== 0) return
  const { headers } = request.raw
  const addresses = String(headers['x-forwarded-for']).split(',')
  headers['x-forwarded-for'] = addresses.map((one) => one.trim().replace(WITH_PORT, '$1$2')).join(',')
  if (isIP(request.ip) === 0) delete headers['x-forwarded-for']
}

/** An IPv6 address in brackets, with or without a port, or an IPv4 address with a port. */
const WITH_PORT = /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/

/**
 * Used in place of Fastify's own compilers, which it then does not load. There are no compiled serializers: one for each
 * response would double the time to start.
 */
const COMPILERS = {
  buildValidator: (): never => {
    throw new Error('an API whose routes have schemas sets its validator compiler')
  },
  buildSerializer: () => () => JSON.stringify,
}

/** Makes a server without routes. */
function newApp(trustedProxies: readonly string[], requestMs: number): FastifyInstance {
  const app = Fastify({
    // Fastify's own log lines would hold whole URLs; `observe` logs requests with their operation and ids.
    logger: false,
    schemaController: { compilersFactory: COMPILERS },
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    bodyLimit: BODY_LIMITS.usual,
    requestTimeout: requestMs,
    // By default Node allows 60 s for the headers, swaps the two limits if that is more, and checks every 30 s.
    http: { headersTimeout: requestMs, connectionsCheckingInterval: requestMs / CHECKS },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // HEAD is supported wherever GET is (RFC 9110 section 9.1).
    exposeHeadRoutes: true,
    rewriteUrl: ({ url = '/' }) => (url.includes('%') ? escapeBadPercent(url) : url),
    routerOptions: { caseSensitive: false, maxParamLength: 65_536, ignoreTrailingSlash: true },
  })
  // Each API adds its own. Without one, a body on a path without a route is not read.
  app.removeAllContentTypeParsers()
  for (const name of ['caller', 'context']) app.decorateRequest(name, null)
  app.decorateRequest('correlationId', '')
  if (trustedProxies.length > 0) app.addHook('onRequest', readForwarded)
  app.addHook('onRequest', (_, reply, done) => {
    reply.header('x-content-type-options', 'nosniff')
    done()
  })
  return app
}

/** Counts and times every request, and logs it at level `debug`. Warns of a status that the route does not declare. */
function observe(app: FastifyInstance, { log, observeRequest }: ServerParts): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { config, schema } = request.routeOptions
    observeRequest(config.operation ?? 'none', reply.statusCode, reply.elapsedTime / 1000)
    // If the caller hung up early, the status was never sent and is not checked.
    const declared = reply.sent && (schema?.response as object | undefined)
    if (declared && !(reply.statusCode in declared))
      log.warn(toLogFields(request, reply), 'undeclared status')
    if (log.isLevelEnabled('debug')) log.debug(toLogFields(request, reply), 'request completed')
    done()
  })
}

/**
 * Escapes the percent signs of a path that cannot be decoded, so that an API handles the request. Fastify would send an
 * error of its own.
 */
function escapeBadPercent(url: string): string {
  const [path = '', ...query] = url.split('?')
  try {
    decodeURIComponent(path)
    return url
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?')
  }
}

function toLogFields(request: FastifyRequest, reply: FastifyReply): object {
  const ctx = request.context ?? request.caller
  return {
    correlationId: request.correlationId,
    caller: ctx && ('id' in ctx.caller ? ctx.caller.id : ctx.caller.kind),
    method: request.method,
    route: request.routeOptions.url,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
  }
}
