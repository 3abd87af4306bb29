import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ApiDocument, dereference } from './openapi.ts'
import { MODELS, mismatchOf } from './strict-models.ts'

type Model = keyof typeof MODELS

/** The operations of section 4 of the contract: method, path, the one success code, and what its body is. */
export const OPERATIONS = {
  getInfo: ['GET', '/api/info', 200, 'Information'],
  login: ['POST', '/api/v1/auth/login', 200, 'TokenPair'],
  refreshToken: ['POST', '/api/v1/auth/token', 200, 'AccessToken'],
  getS3Capabilities: ['GET', '/api/v1/s3capabilities', 200, 'Capabilities'],
  createTenant: ['POST', '/api/v1/tenants', 201, 'Tenant'],
  listTenants: ['GET', '/api/v1/tenants', 200, 'TenantPage'],
  queryTenants: ['GET', '/api/v1/tenants/query', 200, 'TenantPage'],
  headTenant: ['HEAD', '/api/v1/tenants/{tenantId}', 200, null],
  getTenant: ['GET', '/api/v1/tenants/{tenantId}', 200, 'Tenant'],
  updateTenant: ['PATCH', '/api/v1/tenants/{tenantId}', 200, 'Tenant'],
  deleteTenant: ['DELETE', '/api/v1/tenants/{tenantId}', 204, null],
  createUser: ['POST', '/api/v1/tenants/{tenantId}/users', 201, 'User'],
  listUsers: ['GET', '/api/v1/tenants/{tenantId}/users', 200, 'UserPage'],
  queryUsers: ['GET', '/api/v1/users/query', 200, 'UserPage'],
  getUserWithId: ['GET', '/api/v1/tenants/{tenantId}/users/{userId}', 200, 'User'],
  getUserWithCanonicalID: ['GET', '/api/v1/users/{canonicalUserId}', 200, 'User'],
  headUser: ['HEAD', '/api/v1/tenants/{tenantId}/users/{userId}', 200, null],
  updateUserStatus: ['PATCH', '/api/v1/tenants/{tenantId}/users/{userId}', 200, 'User'],
  deleteUser: ['DELETE', '/api/v1/tenants/{tenantId}/users/{userId}', 204, null],
  createCredential: ['POST', '/api/v1/tenants/{tenantId}/users/{userId}/s3credentials', 201, 'Credential'],
  listCredentials: ['GET', '/api/v1/tenants/{tenantId}/users/{userId}/s3credentials', 200, 'CredentialPage'],
  queryCredentials: ['GET', '/api/v1/s3credentials/query', 200, 'CredentialPage'],
  getCredential: ['GET', '/api/v1/s3credentials/{accessKey}', 200, 'Credential'],
  updateCredentialStatus: ['PATCH', '/api/v1/s3credentials/{accessKey}', 200, 'Credential'],
  deleteCredential: ['DELETE', '/api/v1/s3credentials/{accessKey}', 204, null],
  getUsage: ['GET', '/api/v1/usage', 200, 'Usage'],
  getBucketList: ['GET', '/api/v1/bucket-list', 200, 'BucketPage'],
  getBucketLoggingId: ['GET', '/api/v1/bucket-logging-id', 200, 'Text'],
  getAnonymousUser: ['GET', '/api/v1/anonymous-user', 200, 'AnonymousUser'],
  getConsole: ['GET', '/api/v1/console', 200, 'Text'],
} as const satisfies Readonly<Record<string, readonly [string, string, number, Model | null]>>

export type OperationId = keyof typeof OPERATIONS

/** The published document: that of the repository, not that of the server under test. */
export const DOCUMENT = dereference(
  JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/openapi/osis.json'), 'utf8')) as ApiDocument,
)

export interface Arguments {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: object
}

export type Decoded = Readonly<Record<string, unknown>> & {
  readonly items: readonly Readonly<Record<string, unknown>>[]
  readonly page_info: { readonly total: number }
}

/**
 * A client like one that is generated from the specification. It knows one success code for each operation, and decodes
 * only the body of that code, strictly. It escapes path segments as RFC 3986 says, and sends no Content-Type without a
 * body.
 */
export class StrictClient {
  readonly #url: string
  /** The operations that have succeeded. */
  readonly called = new Set<OperationId>()
  authorization: string | undefined

  constructor(url: string, authorization?: string) {
    this.#url = url.replace(/\/$/, '')
    this.authorization = authorization
  }

  /**
   * Returns the object of a success.
   * @throws {AssertionError} for any other response
   */
  async call(id: OperationId, given: Arguments = {}): Promise<Decoded> {
    const [, , success, model] = OPERATIONS[id]
    const response = await this.#send(id, given)
    const text = await response.text()
    assert.equal(response.status, success, `${id} got ${response.status}, which is no ${success}: ${text}`)
    const decoded = model === null ? {} : decode(id, model, response.headers.get('content-type'), text)
    if (model === null) assert.equal(text, '', `${id} has a body where none is documented`)
    this.called.add(id)
    return decoded as Decoded
  }

  /** Asserts that a call is refused with an OsisError, or without a body for HEAD; returns its status. */
  async refuse(id: OperationId, given: Arguments = {}): Promise<number> {
    const response = await this.#send(id, given)
    const text = await response.text()
    assert.ok(response.status >= 400, `${id} was not refused: ${response.status}`)
    if (OPERATIONS[id][0] !== 'HEAD') decode(id, 'Error', response.headers.get('content-type'), text)
    return response.status
  }

  #send(id: OperationId, { path = {}, query = {}, body }: Arguments): Promise<Response> {
    const [method, template] = OPERATIONS[id]
    const at = template.replace(/\{(\w+)\}/g, (_, name: string) => encode(path[name] ?? assert.fail(name)))
    const search = Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`)
    const headers: Record<string, string> = { accept: 'application/json' }
    if (this.authorization) headers.authorization = this.authorization
    if (body) headers['content-type'] = 'application/json'
    return fetch(`${this.#url}${at}${search.length > 0 ? `?${search.join('&')}` : ''}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
  }
}

function decode(id: OperationId, model: Model, type: string | null, text: string): Decoded {
  assert.match(type ?? '', /^application\/json/, `${id} responds with ${type}`)
  const value: unknown = model === 'Text' ? text : JSON.parse(text)
  const mismatch = mismatchOf(MODELS[model], value)
  assert.equal(mismatch, undefined, `${id}: ${mismatch}`)
  return value as Decoded
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}
