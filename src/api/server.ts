import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { BearerCheck } from '../auth/bearer.ts'
import type { ClientFinder } from '../auth/clients.ts'
import type { Issuer } from '../auth/issuer.ts'
import type { OsisTokens } from '../auth/osis-tokens.ts'
import type { Directory } from '../directory/directory.ts'
import { formatCaller } from '../model/context.ts'
import type { PlatformView } from '../provisioning/platform-view.ts'
import type { Reconciler } from '../provisioning/reconciler.ts'
import { BODY_LIMIT } from './json-body.ts'
import { oauthApi } from './oauth/index.ts'
import { osisApi } from './osis/index.ts'
import type { OsisSettings } from './osis/settings.ts'
import { partnerApi } from './partner/index.ts'
import type { FailureLog } from './request.ts'
import { type SystemApi, systemApi } from './system/index.ts'

export interface ServerParts extends SystemApi {
  readonly dir: Directory
  readonly clients: ClientFinder
  readonly bearer: BearerCheck
  readonly issuer: Issuer
  readonly osisTokens: OsisTokens
  readonly osisSettings: OsisSettings
  readonly reconciler: Reconciler
  readonly platform: PlatformView
  readonly publicUrl: () => string
  readonly log: {
    isLevelEnabled(level: string): boolean
    debug(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  readonly observeRequest: (operation: string, status: number, seconds: number) => void
}

/** The HTTP server with all dialects, not yet listening. */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const app = Fastify({
    // Requests are logged below, by what they were about; Fastify's own lines would carry whole URLs.
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: 30_000,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    rewriteUrl: ({ url = '/' }) => (url.includes('%') ? mendUrl(url) : url),
    routerOptions: { caseSensitive: false, maxParamLength: 65_536, ignoreTrailingSlash: true },
  })
  // Answers are small and made member by member; a compiled serializer for each would double the time to start.
  app.setSerializerCompiler(() => JSON.stringify)
  app.decorateRequest('context', null)
  app.decorateRequest('correlationId', '')
  app.addHook('onRequest', (_, reply, done) => {
    reply.header('x-content-type-options', 'nosniff')
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { operation } = request.routeOptions.config
    parts.observeRequest(operation ?? 'none', reply.statusCode, reply.elapsedTime / 1000)
    if (parts.log.isLevelEnabled('debug')) parts.log.debug(describe(request, reply), 'answered')
    done()
  })
  const log: FailureLog = (request, error) => {
    const { correlationId, method, routeOptions } = request
    parts.log.error({ correlationId, method, route: routeOptions.url, err: error }, 'a request failed')
  }
  // For what belongs to no dialect; each of them has its own.
  app.setErrorHandler((error, request, reply) => {
    const status = (error as { statusCode?: number }).statusCode ?? 500
    if (status >= 500) log(request, error as Error)
    reply.code(status < 500 ? status : 503).send({ status: status < 500 ? 'refused' : 'unavailable' })
  })
  await app.register(partnerApi, { ...parts, log })
  await app.register(osisApi, { ...parts, tokens: parts.osisTokens, settings: parts.osisSettings, log })
  await app.register(oauthApi, { ...parts, log })
  await app.register(systemApi, parts)
  return app
}

/**
 * A path that cannot be percent-decoded is taken literally, so that it meets a dialect's own checks and answers
 * instead of Fastify's.
 */
function mendUrl(url: string): string {
  const [path = '', ...query] = url.split('?')
  try {
    decodeURIComponent(path)
    return url
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?')
  }
}

function describe(request: FastifyRequest, reply: FastifyReply): object {
  return {
    correlationId: request.correlationId,
    caller: request.context && formatCaller(request.context.caller),
    method: request.method,
    route: request.routeOptions.url,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
  }
}
