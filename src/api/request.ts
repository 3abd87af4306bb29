import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Directory } from '../directory/directory.ts'
import { refuse, type Subject } from '../directory/unit.ts'
import type { Operation } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { isUuid, newId } from '../model/ids.ts'
import { BodyError, toBodyError } from './json-body.ts'
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
 * The context of a request that reads. A wrong shape is not recorded, since nothing was to be changed.
 * @param names see `collectIssues`
 * @throws {DirectoryError} `invalid` with every issue of every part
 */
export function getContext(request: FastifyRequest, names: ReadonlyMap<string, string> = new Map()): Context {
  const ctx = getAdmitted(request)
  assertShape(request, names)
  return ctx
}

/**
 * For requests that need no context, since whoever makes them is yet to be authenticated.
 * @throws {DirectoryError} `invalid` with every issue of every part
 */
export function assertShape(request: FastifyRequest, names: ReadonlyMap<string, string> = new Map()): void {
  if (!request.validationError) return
  const issues = collectIssues(request, names)
  throw new DirectoryError('invalid', 'The request is not valid.', { issues })
}

/**
 * The context of a request that writes.
 * @param names see `collectIssues`
 * @throws {DirectoryError} `invalid` with every issue of every part, once the attempt has been recorded
 */
export async function getValidContext(
  dir: Directory,
  request: FastifyRequest,
  subject: Subject,
  names?: ReadonlyMap<string, string>,
): Promise<Context> {
  try {
    return getContext(request, names)
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error
    return refuse(dir, getAdmitted(request), subject, error)
  }
}

function getAdmitted({ context }: FastifyRequest): Context {
  if (!context) throw new Error('the request was not admitted')
  return context
}

/**
 * What to answer for an error that reached a dialect's error handler. A body that could not be read is seen by no
 * handler, so the attempt of an authenticated caller is recorded here.
 * @returns the error in our words, or what kept it from being recorded
 */
export async function toFailure(dir: Directory, request: FastifyRequest, raw: Error): Promise<Error> {
  const error = toBodyError(raw)
  const { operation } = request.routeOptions.config
  if (!(error instanceof BodyError) || !request.context || !operation) return error
  const refusal = new DirectoryError('invalid', `The body ${error.message}.`)
  const recorded: unknown = await refuse(dir, request.context, { operation }, refusal).catch(
    (failure) => failure,
  )
  return recorded === refusal ? error : (recorded as Error)
}

/** Logs a request that failed through a fault of ours. */
export type FailureLog = (request: FastifyRequest, error: Error) => void
