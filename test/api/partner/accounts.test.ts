import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../../testing/http.ts'
import { waitUntil } from '../../../testing/wait.ts'
import { type OsisApp, startOsisApp } from '../../support/osis-app.ts'
import { sqliteStores } from '../../support/stores.ts'

const { open } = sqliteStores()

async function start(t: TestContext): Promise<OsisApp & { addPerson(): Promise<string> }> {
  const app = await startOsisApp(open)
  t.after(() => app.close())
  const users = `/customer/${app.on.customerId}/users`
  const person = { firstName: null, lastName: null, email: 'ada@example.com', groups: [] }
  return {
    ...app,
    addPerson: async () => jsonOf<string>(await app.portal('POST', users, person)),
  }
}

interface View {
  readonly accounts: readonly [{ state: string; reason: string | null; platformState: string }]
}

const toState = ({ status, text }: HttpResponse): [number, string?] =>
  text === '' ? [status] : [status, (JSON.parse(text) as { platformState: string }).platformState]

// Each call waits a moment for the platform, so the tests run side by side.
describe('accounts of the portal on a platform that is down', { concurrency: true }, () => {
  test('each call returns within seconds, says that the platform does not know yet, and the platform follows', async (t) => {
    const { platform, portal, addPerson, pass } = await start(t)
    const id = await addPerson()
    const path = `/users/${id}/account`
    platform.fail('down')
    const beganAt = performance.now()
    assert.deepEqual(toState(await portal('POST', path)), [201, 'pending'])
    const made = await portal('POST', `${path}/credentials`)
    assert.deepEqual(toState(made), [201, 'pending'])
    const { accessKey } = jsonOf<{ accessKey: string }>(made)
    const other = jsonOf<{ accessKey: string }>(await portal('POST', `${path}/credentials`)).accessKey
    const key = `${path}/credentials/${accessKey}`
    assert.deepEqual(toState(await portal('PATCH', key, { active: false })), [200, 'pending'])
    assert.deepEqual(toState(await portal('DELETE', key)), [202])
    assert.deepEqual(toState(await portal('PATCH', path, { active: false })), [200, 'pending'])
    assert.equal((await portal('POST', `/users/${id}/suspend`)).status, 204)
    assert.ok(performance.now() - beganAt < 15_000)
    const { accounts } = jsonOf<View>(await portal('GET', `/users/${id}`))
    assert.partialDeepStrictEqual(accounts, [
      { state: 'suspended', reason: 'user_suspended', platformState: 'pending' },
    ])
    platform.succeed()
    pass(10 * 60_000)
    await waitUntil(async () => {
      const [account] = jsonOf<View>(await portal('GET', `/users/${id}`)).accounts
      return account.platformState === 'applied'
    }, 10_000)
    const [held] = [...platform.accounts.values()]
    assert.deepEqual([held?.status, held?.keys.map((one) => one.accessKey)], ['suspended', [other]])
  })

  test('an account with data is kept; the data goes with it only on request', async (t) => {
    const { platform, portal, addPerson, own, pass } = await start(t)
    const id = await addPerson()
    const path = `/users/${id}/account`
    const { canonicalUserId } = jsonOf<{ canonicalUserId: string }>(await portal('POST', path))
    own({ user_id: id, canonical_user_id: canonicalUserId, path }, 'backups')
    const refused = await portal('DELETE', path)
    assert.equal(refused.status, 400)
    assert.match(refused.text, /owns buckets, and is kept/)
    assert.equal((await portal('POST', path)).status, 200)
    platform.fail('down')
    assert.equal((await portal('DELETE', `${path}?purgeData=true`)).status, 202)
    // Until the data is gone the person gets no account: it could be deleted with it.
    assert.equal((await portal('POST', path)).status, 503)
    const { accounts } = jsonOf<View>(await portal('GET', `/users/${id}`))
    assert.partialDeepStrictEqual(accounts, [{ state: 'removed', reason: null, platformState: 'pending' }])
    platform.succeed()
    pass(10 * 60_000)
    assert.equal((await portal('DELETE', `${path}?purgeData=true`)).status, 204)
    assert.deepEqual([platform.buckets.size, platform.accounts.size], [0, 0])
    assert.deepEqual(toState(await portal('POST', path)), [201, 'applied'])
  })
})
