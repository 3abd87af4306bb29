import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HttpResponse, send } from '../../testing/http.ts'
import { createdOf, createUser, logIn, newOsisUser, newTenant, type OsisUser, osis } from './object-store.ts'
import { create, newUser } from './portal.ts'
import { useTarget } from './target.ts'

const target = useTarget()

function assertNotCached(response: HttpResponse, status: number): void {
  assert.equal(response.status, status, response.text)
  assert.equal(response.headers['cache-control'], 'no-store')
}

test('no response that holds an S3 secret may be cached', async () => {
  const { tenant_id } = await newTenant(target)
  const created = await createUser(target, tenant_id, newOsisUser())
  assertNotCached(created, 201)
  const { user_id } = createdOf<OsisUser>(created)
  const ofUser = `/api/v1/tenants/${tenant_id}/users/${user_id}/s3credentials`
  const added = await osis(target, { method: 'POST', path: ofUser })
  assertNotCached(added, 201)
  const { access_key } = createdOf<{ access_key: string }>(added)
  const ofKey = `/api/v1/s3credentials/${access_key}`
  const byUser = `user_id=${user_id}`
  for (const path of [
    ofUser,
    `${ofKey}?tenant_id=${tenant_id}&${byUser}`,
    `/api/v1/s3credentials/query?filter=${encodeURIComponent(`user_id==${user_id}`)}`,
    `/api/v1/tenants/${tenant_id}/users/${user_id}`,
  ])
    assertNotCached(await osis(target, { path }), 200)
  const changed = {
    method: 'PATCH',
    path: `${ofKey}?tenant_id=${tenant_id}&${byUser}`,
    body: { active: false },
  }
  assertNotCached(await osis(target, changed), 200)
})

test('no response that holds a token may be cached, and no refusal', async () => {
  const { client_id: username, client_secret: password } = target.init.clients.osis
  const bare = { authorization: undefined }
  const login = (secret: string): Promise<HttpResponse> =>
    osis(target, {
      ...{ method: 'POST', path: '/api/v1/auth/login', headers: bare },
      body: { username, password: secret },
    })
  assertNotCached(await login(password), 200)
  assertNotCached(await login('wrong'), 401)
  const { refresh } = await logIn(target)
  for (const [token, status] of [
    [refresh, 200],
    ['wrong', 401],
  ] as const) {
    const body = { refresh_token: token }
    const call = { method: 'POST', path: '/api/v1/auth/token', body, headers: bare }
    assertNotCached(await osis(target, call), status)
  }
  assertNotCached(await osis(target, { path: '/api/v1/nothing' }), 404)
})

test('no response of the portal may be cached', async () => {
  assertNotCached(await create(target, newUser()), 201)
  assertNotCached(await create(target, {}), 400)
  assertNotCached(await create(target, newUser(), { token: 'wrong' }), 401)
})

test('public keys and discovery documents may be cached', async () => {
  for (const path of ['/oauth2/v2.0/keys', '/.well-known/openid-configuration']) {
    const response = await send(target.url, { method: 'GET', path })
    assert.equal(response.status, 200)
    assert.doesNotMatch(String(response.headers['cache-control'] ?? ''), /no-store/)
  }
})
