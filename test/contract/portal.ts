import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import type { Reachable } from './target.ts'

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export interface ErrorBody {
  readonly statusCode: number
  readonly type: string
  readonly description: string
  readonly correlationId: string
  readonly errors: readonly { readonly propertyName: string; readonly description: readonly string[] }[]
}

export function newEmail(): string {
  return `${randomUUID()}@example.com`
}

/** Returns the body of a create that succeeds, with the given members in place of its own. */
export function newUser(members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { firstName: 'Ada', lastName: 'Lovelace', email: newEmail(), role: {}, groups: [], ...members }
}

/** Returns a body without some of its members. */
export function without(body: Record<string, unknown>, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)))
}

export interface CreateOptions {
  readonly customer?: string
  readonly token?: string
  /** The query, with its question mark. */
  readonly query?: string
  /** These replace the headers of a right call; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

export interface PortalCall {
  /** By default that of the provider's administrator. */
  readonly token?: string
  /** The domain in `X-Tenant`; by default the provider's portal. */
  readonly portal?: string
  /** These replace the headers of a right call; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Is sent as JSON, unless it is a text or bytes. */
  readonly body?: unknown
}

/**
 * Calls an operation of the partner portal.
 * @param path follows `/v1`; nothing in it is encoded
 */
export function callPortal(
  target: Reachable,
  method: string,
  path: string,
  call: PortalCall = {},
): Promise<HttpResponse> {
  const { token = target.token, portal = target.init.portal, headers, body } = call
  return send(target.url, {
    method,
    path: `/v1${path}`,
    headers: {
      'content-type': body === undefined ? undefined : 'application/json',
      'x-tenant': portal,
      authorization: `Bearer ${token}`,
      ...headers,
    },
    body:
      typeof body === 'string' || Buffer.isBuffer(body) || body === undefined ? body : JSON.stringify(body),
  })
}

/** Calls "Create a Customer User", by default as the provider's administrator in the target's customer. */
export function create(target: Reachable, body: unknown, options: CreateOptions = {}): Promise<HttpResponse> {
  const { customer = target.init.customer.id, query = '', ...call } = options
  return callPortal(target, 'POST', `/customer/${customer}/users${query}`, { ...call, body })
}

/** Asserts the status of a create; returns the id in its body. */
export function idOf(response: HttpResponse, status = 201): string {
  assert.equal(response.status, status, response.text)
  const id = jsonOf<string>(response)
  assert.match(id, UUID)
  return id
}

/** Asserts an error of the documented model; returns its body. */
export function errorOf(response: HttpResponse, status: number, type: string): ErrorBody {
  assert.equal(response.status, status, response.text)
  const body = jsonOf<ErrorBody>(response)
  assert.deepEqual(Object.keys(body).sort(), ['correlationId', 'description', 'errors', 'statusCode', 'type'])
  assert.equal(body.statusCode, status)
  assert.equal(body.type, type)
  assert.equal(typeof body.description, 'string')
  assert.equal(body.correlationId, response.headers['x-correlation-id'])
  assert.match(body.correlationId, UUID)
  for (const { description } of body.errors) {
    assert.ok(description.length > 0)
    for (const text of description) assert.equal(typeof text, 'string')
  }
  return body
}

/** Asserts a 400 that names exactly these properties, each once and sorted. */
export function assertInvalid(
  response: HttpResponse,
  properties: readonly string[],
  type = 'ValidationError',
): void {
  const { errors } = errorOf(response, 400, type)
  assert.deepEqual(
    errors.map((error) => error.propertyName),
    properties,
  )
}

/** Asserts a 401 as in RFC 6750, or a 403, both without a body. */
export function assertNoBody(response: HttpResponse, status: 401 | 403): void {
  assert.equal(response.status, status, response.text)
  assert.equal(response.text, '')
  assert.equal(response.headers['content-type'], undefined)
  const challenge = response.headers['www-authenticate']
  if (status === 401) assert.match(String(challenge), /^Bearer /)
}

/** Asserts that a presented token was refused: 401 with `error="invalid_token"`. */
export function assertTokenRefused(response: HttpResponse): void {
  assertNoBody(response, 401)
  assert.match(String(response.headers['www-authenticate']), /error="invalid_token"/)
}
