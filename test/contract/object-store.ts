import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { basic, type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import { newEmail } from './portal.ts'
import type { Reachable } from './target.ts'

export interface OsisTenant {
  readonly name: string
  readonly active: boolean
  readonly tenant_id: string
  readonly cd_tenant_ids: readonly string[]
  readonly health: string | null
  readonly extensions: object | null
}

export interface OsisUser {
  readonly user_id: string
  readonly canonical_user_id: string
  readonly user_arn: string | null
  readonly tenant_id: string
  readonly active: boolean
  readonly username: string
  readonly email: string | null
  readonly role: string
  readonly cd_user_id: string
  readonly cd_tenant_id: string
}

export interface OsisCredential {
  readonly access_key: string
  readonly secret_key: string
  readonly user_id: string
  readonly [member: string]: unknown
}

export interface OsisPage<T> {
  readonly items: readonly T[]
  readonly page_info: { readonly limit: number; readonly offset: number; readonly total: number }
}

export type CredentialPage = OsisPage<OsisCredential>

export interface OsisCall {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON, unless it is text or bytes. */
  readonly body?: unknown
}

/** Calls OSIS as the OSIS client of a first start. */
export function osis(
  target: Reachable,
  { method = 'GET', path, headers, body }: OsisCall,
): Promise<HttpResponse> {
  const { client_id, client_secret } = target.init.clients.osis
  const raw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined
  return send(target.url, {
    method,
    path,
    headers: {
      authorization: basic(client_id, client_secret),
      accept: 'application/json',
      'content-type': body === undefined ? undefined : 'application/json',
      ...headers,
    },
    body: raw ? body : JSON.stringify(body),
  })
}

export function createTenant(
  target: Reachable,
  body: unknown,
  headers: OsisCall['headers'] = {},
): Promise<HttpResponse> {
  return osis(target, { method: 'POST', path: '/api/v1/tenants', body, headers })
}

/** Creates a tenant with one org. */
export async function newTenant(target: Reachable, name = 'Acme'): Promise<OsisTenant> {
  return createdOf<OsisTenant>(await createTenant(target, { name, cd_tenant_ids: [randomUUID()] }))
}

/** Returns the body of a createUser that succeeds, with the given members in place of its own. */
export function newOsisUser(members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    cd_user_id: randomUUID(),
    cd_tenant_id: randomUUID(),
    username: 'jdoe',
    email: newEmail(),
    role: 'TENANT_USER',
    active: true,
    ...members,
  }
}

export function createUser(target: Reachable, tenantId: string, body: unknown): Promise<HttpResponse> {
  return osis(target, { method: 'POST', path: `/api/v1/tenants/${tenantId}/users`, body })
}

/** Asserts a 201; returns its body. */
export function createdOf<T>(response: HttpResponse): T {
  assert.equal(response.status, 201, response.text)
  return jsonOf<T>(response)
}

export async function listCredentials(
  target: Reachable,
  user: { tenant_id: string; user_id: string },
  query = '',
): Promise<CredentialPage> {
  const path = `/api/v1/tenants/${user.tenant_id}/users/${user.user_id}/s3credentials${query}`
  const response = await osis(target, { path })
  assert.equal(response.status, 200, response.text)
  return jsonOf<CredentialPage>(response)
}

/** Asserts an OsisError; returns its message. */
export function assertOsisError(response: HttpResponse, status: number, code: string): string {
  assert.equal(response.status, status, response.text)
  const body = jsonOf<{ code: string; message: string }>(response)
  assert.deepEqual(Object.keys(body).sort(), ['code', 'message'])
  assert.equal(body.code, code)
  assert.ok(body.message.length > 0)
  return body.message
}

/** Asserts a 400 whose message names the member. */
export function assertBadRequest(response: HttpResponse, member: string): void {
  const message = assertOsisError(response, 400, 'E_BAD_REQUEST')
  assert.ok(message.includes(member), `'${message}' does not name ${member}`)
}

/** Returns the page at a path. */
export async function getPage<T>(target: Reachable, path: string): Promise<OsisPage<T>> {
  const response = await osis(target, { path })
  assert.equal(response.status, 200, response.text)
  const page = jsonOf<OsisPage<T>>(response)
  assert.deepEqual(Object.keys(page.page_info).sort(), ['limit', 'offset', 'total'])
  return page
}

/** Returns the path of a query by a filter, percent-encoded as the generated client does it. */
export function queryPath(of: 'tenants' | 'users' | 's3credentials', filter: string, more = ''): string {
  return `/api/v1/${of}/query?filter=${encodeURIComponent(filter)}${more}`
}

/** Returns new tokens of an OSIS client, by default that of the first start. */
export async function logIn(target: Reachable, client = target.init.clients.osis): Promise<Tokens> {
  const body = { username: client.client_id, password: client.client_secret }
  const response = await osis(target, {
    method: 'POST',
    path: '/api/v1/auth/login',
    body,
    headers: { authorization: undefined },
  })
  assert.equal(response.status, 200, response.text)
  const { access_token, refresh_token } = jsonOf<{ access_token: string; refresh_token: string }>(response)
  return { access: access_token, refresh: refresh_token }
}

export interface Tokens {
  readonly access: string
  readonly refresh: string
}

const MAX_INT64 = '9223372036854775807'

/**
 * Asserts that a list accepts every whole number from 0 on as offset and limit, however large, and refuses anything
 * else with a 400 that names the parameter.
 */
export async function assertPagingChecked(target: Reachable, path: string): Promise<void> {
  const separator = path.includes('?') ? '&' : '?'
  const wrong = ['-1', `-${MAX_INT64}`, 'x', '1.5', '', '1e400', '0x10', 'NaN', 'true', '1&offset=1&limit=1']
  for (const name of ['offset', 'limit'])
    for (const value of wrong)
      assertBadRequest(await osis(target, { path: `${path}${separator}${name}=${value}` }), name)
  const { total } = (await getPage(target, path)).page_info
  for (const value of ['2147483648', '3000000000', MAX_INT64, '9'.repeat(400)]) {
    const lowered = (await getPage(target, `${path}${separator}limit=${value}`)).page_info
    assert.deepEqual(lowered, { limit: 1000, offset: 0, total })
    // Larger offsets are all past the end of a list, so the response may name the largest safe integer.
    const offset = Math.min(Number(value), Number.MAX_SAFE_INTEGER)
    const beyond = await getPage(target, `${path}${separator}offset=${value}`)
    assert.deepEqual(beyond, { items: [], page_info: { limit: 100, offset, total } })
  }
}
