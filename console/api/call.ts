import type { Calls } from '../../src/api/console/contract.ts'
import { noteConnection } from './connection.ts'
import { type Problem, ProblemError } from './problems.ts'
import { signInAgain } from './session.ts'

/** An operation of the console's API, as `GET /users/:id`. */
export type Operation = keyof Calls
export type ResponseOf<O extends Operation> = Calls[O]['response']
export type Request<O extends Operation> = Calls[O]['request']

/** How a call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal
  /** The `etag` of what is changed. */
  readonly ifMatch?: string
  /** Made when a form opens, so that sending it twice does nothing twice. */
  readonly idempotencyKey?: string
  /** What a call without a session does: waits until the person has signed in again (default), or fails. */
  readonly signedOut?: 'wait' | 'fail'
}

/** The path at which a proxy serves Usher, without a slash at the end; usually empty. */
export const BASE = document.documentElement.dataset.base ?? ''

const PREFIX = `${BASE}/console/api`

/**
 * Calls the server.
 * @param operation the method and the path of the contract
 * @param request its path parameters, query and body
 * @returns the body of the response
 * @throws {ProblemError} for every response that is no success, and if the server cannot be reached
 */
export async function call<O extends Operation>(
  operation: O,
  request: Request<O>,
  options: CallOptions = {},
): Promise<ResponseOf<O>> {
  const response = await send(operation, request as Parts, options)
  const text = await response.text().catch(() => {
    if (options.signal?.aborted) throw options.signal.reason
    throw unreached()
  })
  noteConnection(true)
  announceBuild(response)
  if (response.ok) return (text === '' ? null : JSON.parse(text)) as ResponseOf<O>
  if (response.status === 401 && options.signedOut !== 'fail') {
    await signInAgain()
    return call(operation, request, options)
  }
  throw new ProblemError({
    status: response.status,
    problem: readProblem(text),
    retryAfter: readPause(response),
  })
}

interface Parts {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

/** Returns the address of an operation, for a link that downloads a file. */
export function addressOf<O extends Extract<Operation, `GET ${string}`>>(
  operation: O,
  request: Request<O>,
): string {
  return toAddress(operation, request as Parts)
}

function toAddress(operation: Operation, { params, query }: Parts): string {
  const [, path = ''] = operation.split(' ')
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params?.[name] ?? ''))
  return `${PREFIX}${filled}${toQuery(query)}`
}

async function send(operation: Operation, parts: Parts, options: CallOptions) {
  const [method = ''] = operation.split(' ')
  const { body } = parts
  try {
    return await fetch(toAddress(operation, parts), {
      method,
      headers: toHeaders(method, body, options),
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(options.signal && { signal: options.signal }),
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw unreached()
  }
}

function unreached(): ProblemError {
  noteConnection(false)
  return new ProblemError({ status: 0 })
}

function toQuery(query: Parts['query']): string {
  const set = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '')
  return set.length === 0 ? '' : `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`
}

function toHeaders(method: string, body: unknown, { ifMatch, idempotencyKey }: CallOptions) {
  return {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    // The page can name the request even if no response arrives.
    ...(method !== 'GET' && { 'x-correlation-id': crypto.randomUUID() }),
  }
}

function readProblem(text: string): Problem | null {
  try {
    const problem = JSON.parse(text) as Problem
    return typeof problem.code === 'string' ? problem : null
  } catch {
    return null
  }
}

/** The seconds of `Retry-After`; null without one. */
function readPause(response: Response): number | null {
  const value = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(value) ? value : null
}

/** Fired when the server runs another build than this page. */
export const NEW_BUILD = 'usher-new-build'

function announceBuild(response: Response): void {
  const theirs = response.headers.get('x-usher-build')
  const ours = document.documentElement.dataset.build
  if (theirs && ours && theirs !== ours) dispatchEvent(new Event(NEW_BUILD))
}
