import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import type { ClientSecret } from '../../testing/usher.ts'
import {
  type CredentialPage,
  createdOf,
  createUser,
  newOsisUser,
  newTenant,
  type OsisCredential,
  type OsisUser,
  osis,
} from './object-store.ts'
import { type AuditRow, useTarget } from './target.ts'

interface World {
  readonly customer: string
  readonly tenant: string
  readonly users: readonly [OsisUser, OsisUser]
}

let world: World

const target = useTarget({}, async () => {
  const { tenant_id: tenant } = await newTenant(target)
  const add = async (): Promise<OsisUser> =>
    createdOf<OsisUser>(await createUser(target, tenant, newOsisUser()))
  const users = [await add(), await add()] as const
  const [row] = (await target.operator.listTenants()).filter((one) => one.id === tenant)
  world = { tenant, users, customer: row?.customer ?? '' }
})

/** Reads a path, and returns the response with the audit entries that it left. */
async function readAudited(path: string): Promise<{ response: HttpResponse; entries: readonly AuditRow[] }> {
  const correlation = randomUUID()
  const response = await osis(target, { path, headers: { 'x-correlation-id': correlation } })
  return { response, entries: await target.operator.listAudit(correlation) }
}

/** Asserts that a read left one entry, and that no secret is in it. */
async function assertRead(path: string, operation: string, said: object): Promise<void> {
  const { response, entries } = await readAudited(path)
  assert.equal(response.status, 200, response.text)
  assert.equal(entries.length, 1, JSON.stringify(entries))
  const caller = target.init.clients.osis.client_id
  assert.partialDeepStrictEqual(entries[0], {
    ...{ operation, status: 'Succeeded', outcome: 'read', address: '127.0.0.1', changedFields: [] },
    ...{ caller, ...said },
  })
  const found = jsonOf<Partial<CredentialPage> & Partial<OsisCredential>>(response)
  const secrets = (found.items ?? [found]).map((one) => one.secret_key ?? '')
  assert.ok(secrets.length > 0)
  for (const secret of secrets) assert.ok(!JSON.stringify(entries).includes(secret))
}

async function firstKey(user: OsisUser): Promise<string> {
  const path = `/api/v1/tenants/${user.tenant_id}/users/${user.user_id}/s3credentials`
  return jsonOf<CredentialPage>(await osis(target, { path })).items[0]?.access_key ?? ''
}

test('every read of S3 secrets leaves one audit entry that names the key, the user or the tenant', async () => {
  const { customer, tenant, users } = world
  const [user] = users
  const key = await firstKey(user)
  const of = { organization: customer }
  const list = `/api/v1/tenants/${tenant}/users/${user.user_id}/s3credentials`
  await assertRead(`/api/v1/s3credentials/${key}`, 'GetCredential', { ...of, target: key })
  await assertRead(list, 'ListCredentials', { ...of, target: key })
  const query = (filter: string): string => `/api/v1/s3credentials/query?filter=${filter}`
  await assertRead(query(`access_key==${key}`), 'QueryCredentials', { ...of, target: key })
  await assertRead(query(`tenant_id==${tenant}`), 'QueryCredentials', { ...of, target: tenant })
  await osis(target, { method: 'POST', path: list })
  await assertRead(list, 'ListCredentials', { ...of, target: user.user_id })
  const other = await newTenant(target, 'Other')
  createdOf(await createUser(target, other.tenant_id, newOsisUser()))
  await assertRead('/api/v1/s3credentials/query', 'QueryCredentials', {
    organization: target.init.provider.id,
    target: null,
  })
})

test('a read that returns no secret leaves no entry', async () => {
  const { tenant, users } = world
  for (const path of [
    '/api/v1/s3credentials/query?filter=access_key==NONE',
    '/api/v1/s3credentials/NONE',
    `/api/v1/tenants/${tenant}/users/${randomUUID()}/s3credentials`,
    `/api/v1/tenants/${tenant}/users/${users[0].user_id}`,
    `/api/v1/tenants/${tenant}/users`,
  ])
    assert.deepEqual((await readAudited(path)).entries, [], path)
})

function requestToken(client: ClientSecret): Promise<HttpResponse> {
  return send(target.url, {
    method: 'POST',
    path: '/oauth2/v2.0/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...client }).toString(),
  })
}

test('every token of the partner portal leaves an audit entry with its id, and the token is not in it', async () => {
  const { administrator } = target.init.clients
  const { access_token } = jsonOf<{ access_token: string }>(await requestToken(administrator))
  const entries = await target.operator.listAuditOf(target.init.provider.id)
  const id = decodeJwt(access_token).jti
  const [entry, ...others] = entries.filter((one) => one.target === id)
  assert.deepEqual(others, [])
  assert.partialDeepStrictEqual(entry, {
    ...{ operation: 'IssueToken', status: 'Succeeded', outcome: 'issued', address: '127.0.0.1' },
    caller: administrator.client_id,
  })
  assert.ok(!JSON.stringify(entries).includes('eyJ'))
})

test('a client that may have no token of the partner portal leaves an entry of the refusal', async () => {
  const { osis: client } = target.init.clients
  const response = await requestToken(client)
  assert.equal(response.status, 400)
  assert.equal(jsonOf<{ error: string }>(response).error, 'unauthorized_client')
  const entries = await target.operator.listAuditOf(target.init.provider.id)
  assert.ok(
    entries.some(
      ({ operation, outcome, caller }) =>
        operation === 'IssueToken' && outcome === 'not_permitted' && caller === client.client_id,
    ),
  )
})
