import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { AuthError, ExpiredError } from '../auth/auth-error.ts'
import type { Directory } from '../directory/directory.ts'
import { refuse, type Subject } from '../directory/unit.ts'
import type { Logger } from '../logger.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { foldOptionalId, isUuid, newId } from '../model/ids.ts'
import {
  BodyError,
  type BodyRooms,
  explainJsonFault,
  findBodyFault,
  isIdentity,
  reviewBody,
  toBodyError,
  UNCOUNTED_BYTES,
} from './bodies.ts'
import type { Limits, MinuteLimit } from './limits.ts'
import { NDJSON_TYPE } from './line-body.ts'
import { type ApiDocument, describeApi } from './openapi.ts'
import { collectIssues, newValidatorCompiler } from './validation.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The context of the authenticated caller. Admission sets it first, because the entry of a refusal needs it. */
    caller: Context | null
    /** A UUID in lower case: the caller's `X-Correlation-Id`, or a new one. */
    correlationId: string
  }
}

/**
 * Admits a request: authenticates the caller, sets `request.caller`, and checks that the caller may use the route.
 * @returns the caller's context, narrowed to the portal of the request
 * @throws {AuthError} if the request carries no valid credentials
 * @throws {DirectoryError} `not_permitted`, `portal_not_in_context`, `store_unavailable`
 */
export type Admission = (request: FastifyRequest) => Promise<Context>

/** The parts of an API that differ from other APIs; `serveDialect` does the rest. */
export interface Dialect {
  readonly dir: Directory
  readonly log: Logger
  readonly rooms: BodyRooms
  readonly limits: Limits
  /** The beginning of every path, without a slash at its end. */
  readonly prefix: string
  readonly routes: readonly RouteOptions[]
  /** What the OpenAPI document says in addition to the routes, and the path at which it is served. */
  readonly document: ApiDocument
  readonly documentPath: string
  /** Returns the URL of the service, without a slash at the end. */
  readonly publicUrl: () => string
  readonly admit: Admission
  /** Sends an error in the dialect's format. Returns whether it is our fault and must be logged. */
  readonly sendError: (error: Error, request: FastifyRequest, reply: FastifyReply) => boolean
}

type Done = (error: Error | null, value?: unknown) => void

/**
 * Serves a dialect: its routes, and its OpenAPI document. Each request is authenticated, admitted, read and checked,
 * in this order, before the handler of its route runs.
 */
export async function serveDialect(app: FastifyInstance, dialect: Dialect): Promise<void> {
  const { rooms, prefix } = dialect
  describeApi(app, dialect.documentPath, dialect.document, dialect.publicUrl)
  const sendUnknownPath = (request: FastifyRequest, reply: FastifyReply): void => {
    dialect.sendError(new UnknownPathError(request), request, reply)
  }
  // A base URL with a slash at its end doubles the slash before the last part of the prefix.
  await app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers()
      scope.addHook('onRequest', async (request, reply) => setHeaders(request, reply))
      scope.setNotFoundHandler(sendUnknownPath)
    },
    { prefix: prefix.replace(/\/(?=[^/]+$)/, '//') },
  )
  await app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, parseJson)
      scope.setValidatorCompiler(newValidatorCompiler())
      scope.addHook('onRequest', newAdmissionHook(dialect))
      scope.addHook('preParsing', newBodyHook(rooms))
      scope.setNotFoundHandler(sendUnknownPath)
      scope.setErrorHandler(async (raw: FastifyError, request, reply) => {
        const error = noteFailure(dialect.limits, request, await toFailure(dialect.dir, request, raw))
        addErrorHeaders(error, reply)
        if (dialect.sendError(error, request, reply)) logFailure(dialect.log, request, error)
        return reply
      })
      const [ofLines, others] = split(dialect.routes)
      for (const one of others) scope.route(one)
      await scope.register(async (lines) => {
        lines.removeAllContentTypeParsers()
        lines.addContentTypeParser(NDJSON_TYPE, (_, body, done) => done(null, body))
        for (const one of ofLines) lines.route(one)
      })
    },
    { prefix },
  )
}

/** Splits off the routes whose requests are lines of JSON. */
function split(routes: readonly RouteOptions[]): [RouteOptions[], RouteOptions[]] {
  const isOfLines = ({ config }: RouteOptions): boolean => config?.takesLines === true
  return [routes.filter(isOfLines), routes.filter((one) => !isOfLines(one))]
}

/** Makes the hook that admits a request. An open route admits everyone whose address has not failed too often. */
function newAdmissionHook({ admit, limits: { clients, failures } }: Dialect) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    setHeaders(request, reply)
    const { open, takesBody } = request.routeOptions.config
    if (open) return takesBody ? failures.assertMayTry(request) : undefined
    try {
      request.context = await admit(request)
      if (failures.missing.used.size > 0) failures.forgive(request)
    } finally {
      if (request.caller?.caller.kind === 'client') countRequest(clients, request.caller.caller.id)
    }
  }
}

/**
 * Counts a request, as `MinuteLimit.add` does. It is written out here because every request passes it.
 * @throws {TooManyRequestsError} if the client has sent too many requests in this minute
 */
function countRequest(limit: MinuteLimit, client: string): void {
  const count = (limit.used.get(client) ?? 0) + 1
  if (count === 1) limit.begin()
  limit.used.set(client, count)
  if (count > limit.max) throw limit.refuse()
}

/**
 * Sets the correlation id (the caller's own if it is a UUID but not the nil UUID, else a new one), and the headers that
 * every response has. The response repeats the correlation id as the caller spelled it. No response may be kept by a
 * cache: many hold S3 secrets or tokens, the others personal data.
 */
export function setHeaders(request: FastifyRequest, reply: FastifyReply): void {
  const given = request.headers['x-correlation-id']
  const own = typeof given === 'string' && isUuid(given) ? foldOptionalId(given) : undefined
  request.correlationId = own ?? newId()
  reply.header('X-Correlation-Id', own === undefined ? request.correlationId : given)
  reply.header('Cache-Control', 'no-store')
}

/** Makes the hook that looks at a body before it is read. Plain small bodies pass. */
export function newBodyHook(rooms: BodyRooms) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<Readable | undefined> => {
    const { 'content-encoding': coding, 'transfer-encoding': chunked } = request.headers
    const length = Number(request.headers['content-length'] ?? 0)
    // Lines are not kept: they need no room.
    const { takesLines = false } = request.routeOptions.config
    if (takesLines && isIdentity(request.headers)) return undefined
    const isPlain = coding === undefined && chunked === undefined && length <= UNCOUNTED_BYTES
    return isPlain ? undefined : reviewBody(request, reply, rooms)
  }
}

/**
 * Parses a JSON body. An empty body counts as absent, because clients send `Content-Type: application/json` without
 * one. A byte-order mark is skipped (RFC 8259 section 8.1).
 */
function parseJson(_: FastifyRequest, body: Buffer, done: Done): void {
  let value: unknown
  let error = isUtf8(body) && body.length <= UNCOUNTED_BYTES ? null : findBodyFault(body)
  const decoded = body.toString('utf8')
  const text = decoded.startsWith('\ufeff') ? decoded.slice(1) : decoded
  try {
    if (!error && text !== '') value = JSON.parse(text)
  } catch {
    error = explainJsonFault(text)
  }
  done(error, value)
}

/** No route has the path of the request. */
export class UnknownPathError extends Error {
  constructor(request: { method: string; originalUrl: string }) {
    const path = request.originalUrl.split('?', 1)[0] ?? ''
    const advice = path.includes('//') ? ' The base URL must not end with a slash.' : ''
    super(`There is no ${request.method} ${path}.${advice}`)
    this.name = 'UnknownPathError'
  }
}

/**
 * Translates an error of Fastify into one of ours. The audit log gets an entry for every refusal of an authenticated
 * caller. This function writes it if the handler was not reached; otherwise the directory does.
 * @returns the error to send; if the audit entry could not be written, the error of the directory
 */
async function toFailure(dir: Directory, request: FastifyRequest, raw: FastifyError): Promise<Error> {
  const wrongShape = raw.validation !== undefined
  const error = wrongShape ? await invalidShape(request) : toBodyError(raw, request, mediaTypeOf(request))
  const refusal = toRefusal(request, error, wrongShape)
  const { operation } = request.routeOptions.config
  const ctx = request.context ?? request.caller
  if (!refusal || !operation || !ctx) return error
  const subject = { operation, ...subjectOf(request) }
  const thrown: unknown = await refuse(dir, ctx, subject, refusal).catch((failure) => failure)
  return thrown === refusal ? error : (thrown as Error)
}

function mediaTypeOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.config.takesLines ? NDJSON_TYPE : 'application/json'
}

async function invalidShape(request: FastifyRequest): Promise<DirectoryError> {
  const issues = collectIssues(request)
  const named = new Set(issues.map(({ path }) => path))
  const others = (await request.routeOptions.config.rules?.(request.body)) ?? []
  return new DirectoryError('invalid', 'The request is not valid.', {
    issues: [...issues, ...others.filter(({ path }) => !named.has(path))],
  })
}

/**
 * Returns the refusal that must be recorded: the body could not be read, a write has the wrong shape, or the caller was
 * not admitted. A read of the wrong shape is not recorded, because it would have changed nothing. Undefined for a
 * failure, and for a refusal that the directory has recorded itself.
 */
function toRefusal(request: FastifyRequest, error: Error, wrongShape: boolean): DirectoryError | undefined {
  if (error instanceof BodyError) return new DirectoryError('invalid', `The body ${error.message}.`)
  if (!(error instanceof DirectoryError) || error.code === 'store_unavailable') return undefined
  const { context, method } = request
  const isWrite = method !== 'GET' && method !== 'HEAD'
  return (wrongShape ? isWrite : context === null) ? error : undefined
}

/** Returns the subject that the path and the query name, as the caller sent it. */
function subjectOf(request: FastifyRequest): Partial<Subject> {
  const sent = { ...(request.query as object), ...(request.params as object) } as Record<string, unknown>
  const named = Object.entries(request.routeOptions.config.subject ?? {})
  return Object.fromEntries(
    named.filter(([, name]) => typeof sent[name] === 'string').map(([kind, name]) => [kind, sent[name]]),
  )
}

/**
 * Counts and logs a request that failed without an authenticated caller: on an open route every refusal counts.
 * @returns the error to send
 */
function noteFailure({ failures }: Limits, request: FastifyRequest, error: Error): Error {
  if (error instanceof AuthError) {
    failures.warn(request, error.message)
    // An expired token was genuine: its client must learn that it needs another, however many requests fail meanwhile.
    return (error instanceof ExpiredError ? undefined : failures.count(request, error.presented)) ?? error
  }
  const counts = request.routeOptions.config.takesBody && isRefusal(error)
  return (counts ? failures.count(request) : undefined) ?? error
}

function isRefusal(error: Error): boolean {
  return error instanceof BodyError || (error instanceof DirectoryError && error.code === 'invalid')
}

/**
 * Adds the headers that an error brings along, whatever the API's own format is. After a body that is too large Fastify
 * would close the connection at once. A caller that still sends would then get a broken connection, not the response.
 */
export function addErrorHeaders(error: Error, reply: FastifyReply): void {
  if (error instanceof BodyError && error.fault === 'too_large') reply.removeHeader('connection')
  if ('headers' in error) reply.headers(error.headers as Record<string, string>)
}

/** Logs an error that is our fault. The line holds no query, header or body of the request. */
export function logFailure(log: Logger, request: FastifyRequest, error: Error): void {
  const { correlationId, method, routeOptions } = request
  log.error({ correlationId, method, route: routeOptions.url, err: error }, 'request failed')
}
