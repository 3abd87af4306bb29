import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import {
  assertBadRequest,
  assertOsisError,
  assertPagingChecked,
  createdOf,
  createUser,
  getPage,
  newOsisUser,
  newTenant,
  type OsisUser,
  osis,
} from './object-store.ts'
import { startTarget, useTarget } from './target.ts'

let user: OsisUser
const folder = mkdtempSync(join(tmpdir(), 'usher-capabilities-'))

const target = useTarget({}, async () => {
  const { tenant_id } = await newTenant(target)
  user = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
})

after(() => rmSync(folder, { recursive: true, force: true }))

const get = (path: string): Promise<HttpResponse> => osis(target, { path: `/api/v1/${path}` })

const NOTHING = { bucket_count: 0, object_count: 0, total_bytes: -1, available_bytes: -1, used_bytes: 0 }

test('usage is returned for the platform, a tenant and a user', async () => {
  const { tenant_id, user_id } = user
  for (const query of ['', `?tenant_id=${tenant_id}`, `?tenant_id=${tenant_id}&user_id=${user_id}`]) {
    const response = await get(`usage${query}`)
    assert.equal(response.status, 200, response.text)
    assert.deepEqual(jsonOf(response), NOTHING)
  }
})

test('usage of a user needs the tenant, and both must exist', async () => {
  const other = await newTenant(target)
  assertBadRequest(await get(`usage?user_id=${user.user_id}`), 'tenant_id')
  const unknown = ['tenant_id=nobody', `tenant_id=${user.tenant_id}&user_id=nobody`]
  for (const query of [...unknown, `tenant_id=${other.tenant_id}&user_id=${user.user_id}`, 'tenant_id='])
    assertOsisError(await get(`usage?${query}`), 404, 'E_NOT_FOUND')
  assertBadRequest(await get('usage?tenant_id=a&tenant_id=b'), 'tenant_id')
})

test('the bucket list needs a tenant, and is empty for one without buckets or an unknown one', async () => {
  assertBadRequest(await get('bucket-list'), 'tenant_id')
  const empty = { items: [], page_info: { limit: 7, offset: 3, total: 0 } }
  for (const id of [user.tenant_id, 'nobody'])
    assert.deepEqual(await getPage(target, `/api/v1/bucket-list?tenant_id=${id}&offset=3&limit=7`), empty)
  await assertPagingChecked(target, `/api/v1/bucket-list?tenant_id=${user.tenant_id}`)
})

test('the anonymous user is that of the S3 service', async () => {
  assert.deepEqual(jsonOf(await get('anonymous-user')), { id: 'anonymous', name: 'anonymous' })
})

test('the default capabilities exclude something, each call with a reason', async () => {
  const { exclusions } = jsonOf<{ exclusions: Record<string, Record<string, unknown>> }>(
    await get('s3capabilities'),
  )
  assert.ok(Object.keys(exclusions).length > 0)
  for (const [name, exclusion] of Object.entries(exclusions)) {
    assert.match(name, /^[a-z]+(_[a-z0-9]+)+$/i)
    assert.ok(
      exclusion.all === true || Object.keys(exclusion).some((member) => member.startsWith('by_')),
      name,
    )
  }
  for (const name of ['head_bucket', 'list_objects', 'put_object', 'get_object'])
    assert.equal(exclusions[name]?.all, undefined)
})

test('a logging id and, without a setting, a console are not implemented', async () => {
  for (const path of ['bucket-logging-id', 'console', 'console?tenant_id=x&lang=en'])
    assertOsisError(await get(path), 501, 'E_NOT_IMPLEMENTED')
})

function write(document: unknown): string {
  const path = join(folder, randomUUID())
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document))
  return path
}

test('an operator’s own capabilities and console are served, and the information says so', async (t) => {
  const file = write({
    exclusions: {
      get_bucket_website: { all: true },
      put_bucket_versioning: { by_headers: ['x-amz-mfa'], by_payload: ['mfaDelete'], by_params: [] },
      list_objectsV2: {},
    },
  })
  const on = await startTarget({
    USHER_OSIS_S3_CAPABILITIES: file,
    USHER_OSIS_CONSOLE_URL: 'https://console.example/{lang}/t?id={tenant_id}',
  })
  t.after(() => on.end())
  assert.deepEqual(jsonOf(await osis(on, { path: '/api/v1/s3capabilities' })), {
    exclusions: {
      get_bucket_website: { all: true },
      put_bucket_versioning: { by_headers: ['x-amz-mfa'], by_payload: ['mfaDelete'] },
      list_objectsV2: { all: true },
    },
  })
  const info = await send(on.url, { method: 'GET', path: '/api/info' })
  assert.deepEqual(jsonOf<{ not_implemented: string[] }>(info).not_implemented, ['getBucketLoggingId'])
  const console = await osis(on, { path: '/api/v1/console?tenant_id=a%26b&lang=en' })
  assert.equal(console.status, 200)
  assert.match(String(console.headers['content-type']), /^application\/json/)
  assert.equal(console.text, 'https://console.example/en/t?id=a%26b')
  assert.equal((await osis(on, { path: '/api/v1/console' })).text, 'https://console.example//t?id=')
})
