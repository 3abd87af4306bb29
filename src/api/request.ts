import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Directory } from '../directory/directory.ts'
import { refuse, type Subject } from '../directory/unit.ts'
import type { Operation } from '../model/audit.ts'
import type { Context } from '../model/clients.ts'
import { DirectoryError } from '../model/error.ts'
import { isUuid, newId } from '../model/ids.ts'
import type { BodyError } from './json-body.ts'
import { collectIssues } from './validation.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route does, by the one name that access rules, audit, metrics and documents share. */
    operation?: Operation
    /** Served without authentication. */
    open?: boolean
  }
  interface FastifyRequest {
    /** In whose name the request is made; set once the caller is authenticated. */
    context: Context | null
    correlationId: string
  }
}

/** Takes the caller's correlation id, or makes one where there is none that can be one; answers it in a header. */
export function correlate(request: FastifyRequest, reply: FastifyReply): void {
  const given = request.headers['x-correlation-id']
  request.correlationId = typeof given === 'string' && isUuid(given) ? given : newId()
  reply.header('X-Correlation-Id', request.correlationId)
}

/** Nothing is served under a path. */
export class UnknownPathError extends Error {
  constructor(request: { method: string; originalUrl: string }) {
    super(`There is no ${request.method} ${request.originalUrl.split('?', 1)[0]}.`)
    this.name = 'UnknownPathError'
  }
}

/**
 * The context of a request whose shape is right.
 * @param names see `collectIssues`
 * @throws {DirectoryError} `invalid` with every issue of every part, once the attempt has been recorded
 */
export async function getValidContext(
  dir: Directory,
  request: FastifyRequest,
  subject: Subject,
  names: ReadonlyMap<string, string> = new Map(),
): Promise<Context> {
  const ctx = request.context
  if (!ctx) throw new Error('the request was not admitted')
  if (!request.validationError) return ctx
  const issues = collectIssues(request, names)
  return refuse(dir, ctx, subject, new DirectoryError('invalid', 'The request is not valid.', { issues }))
}

/**
 * Records the attempt of an authenticated caller whose body could not be read, which no handler has seen.
 * @returns the error to answer: that one, or what kept it from being recorded
 */
export async function recordUnread(
  dir: Directory,
  request: FastifyRequest,
  error: BodyError,
): Promise<Error> {
  const { operation } = request.routeOptions.config
  if (!request.context || !operation) return error
  const refusal = new DirectoryError('invalid', `The body ${error.message}.`)
  const recorded: unknown = await refuse(dir, request.context, { operation }, refusal).catch(
    (failure) => failure,
  )
  return recorded === refusal ? error : (recorded as Error)
}

/** Logs a request that failed through a fault of ours. */
export type FailureLog = (request: FastifyRequest, error: Error) => void
