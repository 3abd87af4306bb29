import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Directory } from '../directory/directory.ts'
import { refuse } from '../directory/unit.ts'
import type { Logger } from '../logger.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { isUuid, newId } from '../model/ids.ts'
import { acceptJson, BodyError, toBodyError } from './json-body.ts'
import { type ApiDocument, describeApi } from './openapi.ts'
import { collectIssues, newValidatorCompiler } from './validation.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The context of the authenticated caller, before it is admitted; null on open routes. */
    caller: Context | null
    /** A UUID: the caller's `X-Correlation-Id`, or a new one. */
    correlationId: string
  }
}

/** What one API has of its own; `serveDialect` does the rest. */
export interface Dialect {
  readonly dir: Directory
  readonly log: Logger
  /** Begins every path; ends without a slash. */
  readonly prefix: string
  readonly routes: readonly RouteOptions[]
  /** What the OpenAPI document says in addition to the routes, and the path at which it is served. */
  readonly document: ApiDocument
  readonly documentPath: string
  /** @throws {AuthError} when the request carries no valid credentials */
  readonly authenticate: (request: FastifyRequest) => Promise<Context>
  /**
   * Checks that the caller may use the route, and narrows its context to the portal of the request.
   * @throws {DirectoryError} `not_permitted`, `portal_not_in_context`, `store_unavailable`
   */
  readonly admit: (caller: Context, request: FastifyRequest) => Context | Promise<Context>
  /** Sends an error in the dialect's format. Returns whether it is our fault and must be logged. */
  readonly sendError: (error: Error, request: FastifyRequest, reply: FastifyReply) => boolean
}

/**
 * Serves a dialect: its routes, and its OpenAPI document. Each request is authenticated, admitted, read and checked,
 * in this order, before the handler of its route runs.
 */
export async function serveDialect(app: FastifyInstance, dialect: Dialect): Promise<void> {
  await describeApi(app, dialect.documentPath, dialect.document)
  await app.register(
    async (scope) => {
      acceptJson(scope)
      scope.setValidatorCompiler(newValidatorCompiler())
      scope.addHook('onRequest', async (request, reply) => {
        correlate(request, reply)
        if (request.routeOptions.config.open) return
        request.caller = await dialect.authenticate(request)
        request.context = await dialect.admit(request.caller, request)
      })
      scope.setNotFoundHandler((request, reply) => {
        dialect.sendError(new UnknownPathError(request), request, reply)
      })
      scope.setErrorHandler(async (raw: FastifyError, request, reply) => {
        const error = await toFailure(dialect.dir, request, raw)
        if (dialect.sendError(error, request, reply)) logFailure(dialect.log, request, error)
        return reply
      })
      for (const one of dialect.routes) scope.route(one)
    },
    { prefix: dialect.prefix },
  )
}

/** Takes the caller's correlation id if it is a UUID, or makes one, and returns it in a header. */
function correlate(request: FastifyRequest, reply: FastifyReply): void {
  const given = request.headers['x-correlation-id']
  request.correlationId = typeof given === 'string' && isUuid(given) ? given : newId()
  reply.header('X-Correlation-Id', request.correlationId)
}

/** No route has the path of the request. */
export class UnknownPathError extends Error {
  constructor(request: { method: string; originalUrl: string }) {
    super(`There is no ${request.method} ${request.originalUrl.split('?', 1)[0]}.`)
    this.name = 'UnknownPathError'
  }
}

/**
 * Translates an error of Fastify into one of ours. The audit log records every refusal of an authenticated caller: here
 * if the handler was not reached, in the directory otherwise.
 * @returns the error to send; if the refusal could not be recorded, the reason for that
 */
async function toFailure(dir: Directory, request: FastifyRequest, raw: FastifyError): Promise<Error> {
  const wrongShape = raw.validation !== undefined
  const error = wrongShape ? invalidShape(request) : toBodyError(raw)
  const refusal = wrongShape && isRead(request) ? undefined : toRefusal(request, error, wrongShape)
  const { operation } = request.routeOptions.config
  const ctx = request.context ?? request.caller
  if (!refusal || !operation || !ctx) return error
  const subject = { operation, ...(wrongShape && subjectOf(request)) }
  const thrown: unknown = await refuse(dir, ctx, subject, refusal).catch((failure) => failure)
  return thrown === refusal ? error : (thrown as Error)
}

function invalidShape(request: FastifyRequest): DirectoryError {
  return new DirectoryError('invalid', 'The request is not valid.', { issues: collectIssues(request) })
}

/** A read with a wrong shape is not recorded: it would have changed nothing. */
function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** The refusal to record; undefined for other errors, and for those that the directory has recorded itself. */
function toRefusal(request: FastifyRequest, error: Error, wrongShape: boolean): DirectoryError | undefined {
  if (error instanceof BodyError) return new DirectoryError('invalid', `The body ${error.message}.`)
  const beforeHandler = wrongShape || !request.context
  const refused = error instanceof DirectoryError && error.code !== 'store_unavailable'
  return beforeHandler && refused ? error : undefined
}

function subjectOf(request: FastifyRequest): { organization?: string; target?: string } {
  const params = request.params as Record<string, string>
  const names = Object.entries(request.routeOptions.config.subject ?? {})
  return Object.fromEntries(names.map(([kind, name]) => [kind, params[name]]))
}

/** Logs an error that is our fault. The line carries no query, header or body of the request. */
export function logFailure(log: Logger, request: FastifyRequest, error: Error): void {
  const { correlationId, method, routeOptions } = request
  log.error({ correlationId, method, route: routeOptions.url, err: error }, 'request failed')
}
