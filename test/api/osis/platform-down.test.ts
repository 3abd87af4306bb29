import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { FULL_LENGTH } from '../../../testing/full-length.ts'
import { jsonOf } from '../../../testing/http.ts'
import { waitUntil } from '../../../testing/wait.ts'
import { assertOsisCode, type OsisApp, startOsisApp } from '../../support/osis-app.ts'
import { sqliteStores } from '../../support/stores.ts'

const { open } = sqliteStores()

async function start(t: TestContext): Promise<OsisApp> {
  const app = await startOsisApp(open)
  t.after(() => app.close())
  return app
}

// Each call waits for the platform as long as a real one does, so the tests run side by side.
describe('OSIS on a platform that is down', { concurrency: true }, () => {
  test('each change returns 503 and is kept, and repeating it succeeds later', async (t) => {
    const { on, platform, call, addUser, count, pass } = await start(t)
    const user = await addUser()
    const [{ access_key }] = jsonOf<{ items: [{ access_key: string }] }>(
      await call('GET', `${user.path}/s3credentials`),
    ).items
    platform.fail('down')
    const late = await Promise.all([
      call('POST', `tenants/${on.tenantId}/users`, { cd_user_id: 'bob', cd_tenant_id: on.orgId }),
      call('PATCH', user.path, { active: false }),
      call('POST', `${user.path}/s3credentials`),
      call('DELETE', `s3credentials/${access_key}`),
    ])
    for (const response of late) assertOsisCode(response, 503, 'E_PLATFORM')
    assert.equal(jsonOf<{ active: boolean }>(await call('GET', user.path)).active, false)
    assert.equal((await call('GET', `s3credentials/${access_key}`)).status, 404)
    platform.succeed()
    pass(10 * 60_000)
    assert.equal((await call('PATCH', user.path, { active: false })).status, 200)
    assert.equal((await call('DELETE', `s3credentials/${access_key}`)).status, 204)
    const applied = platform.calls.at(-1)
    assert.deepEqual([applied?.status, applied?.credentials.length], ['suspended', 1])
    assert.equal(await count(`tenants/${on.tenantId}/users`), 2)
  })

  test('a deletion is a 204 only once the platform has followed, also when it is repeated', async (t) => {
    const { on, platform, call, addUser, count, pass } = await start(t)
    const user = await addUser()
    platform.fail('down')
    assertOsisCode(await call('DELETE', user.path), 503, 'E_PLATFORM')
    assert.equal((await call('GET', user.path)).status, 404)
    assert.equal(await count(`s3credentials/query?filter=cd_tenant_id==${on.orgId}`), 0)
    assertOsisCode(await call('DELETE', user.path), 503, 'E_PLATFORM')
    platform.succeed()
    pass(10 * 60_000)
    assert.equal((await call('DELETE', user.path)).status, 204)
    assert.equal(platform.calls.at(-1)?.status, 'gone')
  })

  test('a user is not created anew while data may still keep the old one', async (t) => {
    const { on, platform, call, addUser, pass } = await start(t)
    const user = await addUser()
    platform.fail('down')
    await call('DELETE', user.path)
    const body = { cd_user_id: 'ada', cd_tenant_id: on.orgId }
    assertOsisCode(await call('POST', `tenants/${on.tenantId}/users`, body), 503, 'E_PLATFORM')
    platform.succeed()
    pass(10 * 60_000)
    await call('DELETE', user.path)
    assert.notEqual((await addUser()).user_id, user.user_id)
  })

  test('a removal under way becomes a purge when that is asked for', async (t) => {
    const { platform, call, addUser, own, pass } = await start(t)
    const user = await addUser()
    own(user, 'backups')
    platform.fail('down')
    assertOsisCode(await call('DELETE', user.path), 503, 'E_PLATFORM')
    platform.succeed()
    pass(10 * 60_000)
    assert.equal((await call('DELETE', `${user.path}?purge_data=true`)).status, 204)
    assert.equal(platform.buckets.size, 0)
  })

  test('a tenant is purged with all its users and data; without purge its users keep it', async (t) => {
    const { on, platform, call, addUser, own, pass } = await start(t)
    const users = [await addUser('a'), await addUser('b'), await addUser('c')]
    own(users[1] ?? assert.fail(), 'backups')
    assertOsisCode(await call('DELETE', `tenants/${on.tenantId}`), 409, 'E_CONFLICT')
    platform.fail('down')
    const purging = call('DELETE', `tenants/${on.tenantId}?purge_data=true`)
    const isDeleted = async (): Promise<boolean> =>
      (await call('GET', `tenants/${on.tenantId}`)).status === 404
    await waitUntil(isDeleted, 20_000)
    // A purge waits 25 s for the platform. By default the platform is back before that.
    if (FULL_LENGTH) assertOsisCode(await purging, 503, 'E_PLATFORM')
    platform.succeed()
    pass(10 * 60_000)
    assert.equal((await call('DELETE', `tenants/${on.tenantId}`)).status, 204)
    if (!FULL_LENGTH) assert.equal((await purging).status, 204)
    const gone = platform.calls.filter((one) => one.status === 'gone' && one.purge)
    assert.equal(new Set(gone.map((one) => one.userId)).size, 3)
    assert.equal(platform.buckets.size, 0)
  })
})
