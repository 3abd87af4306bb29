import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { basic, jsonOf, send } from '../../testing/http.ts'
import { type Rgw, startRgw } from '../../testing/rgw.ts'
import { serveHere } from '../../testing/target.ts'
import { type Init, newDataDir, runUsher, type Settings, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { queryStore } from '../support/stored.ts'

interface TenantRow {
  readonly id: string
  readonly customer: string
  readonly platform: string
  readonly orgs: readonly string[]
}

interface Status {
  readonly platform: { name: string; cluster: string | null; health: string; reason: string | null }
  readonly problems: readonly string[]
  readonly applied: number
  readonly waiting: number
}

interface Page {
  readonly page_info: { readonly total: number }
  readonly items: readonly { readonly access_key: string }[]
}

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

async function newRgw(): Promise<Rgw> {
  const rgw = await startRgw()
  endings.push(() => rgw.close())
  return rgw
}

/** A data directory that was set up without the settings of a Ceph RGW. */
async function newDirectory(args: readonly string[] = []) {
  const { path, remove } = newDataDir()
  endings.push(remove)
  const init = await usherJson<Init>(path, ['init', ...args])
  const { client_id, client_secret } = init.clients.osis
  return {
    path,
    init,
    cli: <T>(args: readonly string[], settings: Settings = {}) => usherJson<T>(path, args, settings),
    run: (args: readonly string[], settings: Settings = {}) => runUsher(path, args, settings),
    async serve(settings: Settings = {}) {
      const served = await serveHere(path, settings)
      let stopped: Promise<unknown> | undefined
      const stop = (): Promise<unknown> => {
        stopped ??= served.stop()
        return stopped
      }
      endings.push(stop)
      const call = (method: string, path: string, body?: object) =>
        send(served.url, {
          method,
          path: `/api/v1/${path}`,
          headers: {
            authorization: basic(client_id, client_secret),
            'content-type': body && 'application/json',
          },
          body: body && JSON.stringify(body),
        })
      const createTenant = async (name: string, org: string): Promise<string> => {
        const response = await call('POST', 'tenants', { name, cd_tenant_ids: [org] })
        assert.equal(response.status, 201, response.text)
        return jsonOf<{ tenant_id: string }>(response).tenant_id
      }
      return { ...served, stop, call, createTenant }
    },
  }
}

type TestDirectory = Awaited<ReturnType<typeof newDirectory>>

const listTenants = ({ cli }: TestDirectory): Promise<readonly TenantRow[]> =>
  cli<readonly TenantRow[]>(['tenant', 'list'])
const statusOf = ({ cli }: TestDirectory, settings: Settings = {}): Promise<Status> =>
  cli<Status>(['platform', 'status'], settings)

describe('the platform of a directory', () => {
  test('without tenants, a directory on embedded goes to the Ceph RGW that it is started with, and stays', async () => {
    const on = await newDirectory(['--no-example'])
    const rgw = await newRgw()
    assert.equal((await statusOf(on)).platform.name, 'embedded')
    const served = await on.serve(rgw.settings)
    await waitUntil(async () => (await statusOf(on)).platform.cluster !== null, 10_000)
    // A shell without the settings works on the directory's platform.
    const customer = await on.cli<{ id: string }>([
      'organization',
      'add',
      '--kind',
      'customer',
      '--name',
      'Acme',
    ])
    const tenant = await on.cli<TenantRow>(['tenant', 'create', '--customer', customer.id, '--org', 'acme'])
    assert.equal(tenant.platform, 'ceph-rgw')
    assert.equal(await served.createTenant('Acme', 'acme'), tenant.id)
    const body = { cd_user_id: 'ada', cd_tenant_id: 'acme' }
    const created = await served.call('POST', `tenants/${tenant.id}/users`, body)
    assert.equal(created.status, 201, created.text)
    assert.ok(rgw.users.has(jsonOf<{ canonical_user_id: string }>(created).canonical_user_id))
    assert.deepEqual((await statusOf(on, rgw.settings)).problems, [])
  })

  test('a shell without settings says what is missing, and its check fails', async () => {
    const on = await newDirectory(['--no-example'])
    const rgw = await newRgw()
    await (await on.serve(rgw.settings)).stop()
    const status = await statusOf(on)
    assert.deepEqual([status.platform.name, status.platform.health], ['ceph-rgw', 'ERROR'])
    assert.match(status.platform.reason ?? '', /set USHER_CEPH_RGW_URL, USHER_CEPH_RGW_ACCESS_KEY and/)
    assert.match(
      status.problems.join(),
      /^The directory's platform is ceph-rgw, but this process has no settings/,
    )
    for (const args of [
      ['platform', 'check'],
      ['platform', 'check', '--fix'],
    ]) {
      const { code, stdout, stderr } = await on.run(args)
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /^usher: .*ceph-rgw is not configured here; set USHER_CEPH_RGW_URL/)
    }
    const served = await on.serve()
    await waitUntil(async () => /this process has no settings for it/.test(served.log()), 10_000)
  })

  test('with tenants on embedded, a start with Ceph says so, keeps one tenant for an org, and a move is the way out', async () => {
    const on = await newDirectory()
    const rgw = await newRgw()
    const before = await on.serve()
    const tenantId = await before.createTenant('Acme', 'acme')
    const path = `tenants/${tenantId}/users`
    const body = { cd_user_id: 'ada', cd_tenant_id: 'acme', email: 'ada@example.com' }
    const user = jsonOf<{ user_id: string; canonical_user_id: string }>(await before.call('POST', path, body))
    const keys = `${path}/${user.user_id}/s3credentials`
    const [key] = jsonOf<Page>(await before.call('GET', keys)).items
    await before.stop()

    const served = await on.serve(rgw.settings)
    await waitUntil(async () => /usher tenant move/.test(served.log()), 10_000)
    assert.match(
      (await statusOf(on, rgw.settings)).problems.join(),
      /embedded and has 2 tenants: .* usher tenant move/,
    )
    assert.equal(await served.createTenant('Acme', 'acme'), tenantId)
    const found = await served.call('GET', 'tenants/query?filter=cd_tenant_id==acme')
    assert.equal(jsonOf<Page>(found).page_info.total, 1)
    assert.equal((await served.call('GET', `usage?tenant_id=${tenantId}`)).status, 200)
    assert.equal(rgw.users.has(user.canonical_user_id), false)

    const without = await on.run(['tenant', 'move', tenantId])
    assert.equal(without.code, 1)
    assert.match(
      without.stderr,
      /is on embedded, and the settings name no other platform\. Set USHER_CEPH_RGW_URL/,
    )
    assert.equal((await on.run(['tenant', 'move', tenantId], rgw.settings)).code, 0)
    await waitUntil(async () => rgw.users.get(user.canonical_user_id)?.keys.length === 1, 10_000)
    assert.deepEqual(
      rgw.users.get(user.canonical_user_id)?.keys.map((one) => one.access_key),
      [key?.access_key],
    )
    // New tenants go where the moved one is; the example still has to follow.
    const other = await served.createTenant('Other', 'other')
    const platforms = new Map((await listTenants(on)).map(({ id, platform }) => [id, platform]))
    assert.deepEqual([platforms.get(tenantId), platforms.get(other)], ['ceph-rgw', 'ceph-rgw'])
    assert.match(
      (await statusOf(on, rgw.settings)).problems.join(),
      /platform is ceph-rgw, and embedded has 1 tenant\. usher tenant move/,
    )
    assert.equal((await on.run(['tenant', 'move', '--all'], rgw.settings)).code, 0)
    assert.deepEqual((await statusOf(on, rgw.settings)).problems, [])
    assert.match((await on.run(['tenant', 'move', '--all'], rgw.settings)).stdout, /no tenant on embedded/)
    const back = await on.run(['tenant', 'move', tenantId])
    assert.deepEqual([back.code, /may hold its data: Usher moves no data/.test(back.stderr)], [1, true])
  })

  test('a tenant whose org has another tenant on the Ceph RGW is not moved, and the message says why', async () => {
    const on = await newDirectory()
    const rgw = await newRgw()
    const served = await on.serve(rgw.settings)
    const [example] = await listTenants(on)
    assert.ok(example)
    const acme = await served.createTenant('Acme', 'acme')
    assert.equal((await on.run(['tenant', 'move', acme], rgw.settings)).code, 0)
    const beta = await served.createTenant('Beta', 'beta')
    // As 0.1 made it: the org of the example got a second tenant on the other platform.
    await queryStore(
      on.path,
      `INSERT INTO tenant_orgs (tenant_pk, provider_pk, platform, org_id)
       SELECT pk, provider_pk, platform, '${example.orgs[0]}' FROM tenants WHERE id = '${beta}'`,
    )
    const moved = await on.run(['tenant', 'move', '--all'], rgw.settings)
    assert.equal(moved.code, 1)
    assert.match(
      moved.stdout,
      new RegExp(`${example.orgs[0]} .* is mapped to the tenant ${beta} on ceph-rgw too`),
    )
    assert.equal((await listTenants(on)).find(({ id }) => id === example.id)?.platform, 'embedded')
    const checked = await on.run(['platform', 'check', '--tenant', example.id], rgw.settings)
    assert.match(checked.stdout, /^The platform embedded keeps its accounts/)
    // The tenant on the main platform is found.
    const created = await served.createTenant('Example', example.orgs[0] ?? '')
    assert.equal(created, beta)
  })
})

describe('the cluster of a directory', () => {
  const newTenantOn = async (on: TestDirectory, rgw: Rgw): Promise<string> => {
    const served = await on.serve(rgw.settings)
    const tenantId = await served.createTenant('Acme', 'acme')
    const body = { cd_user_id: 'ada', cd_tenant_id: 'acme' }
    assert.equal((await served.call('POST', `tenants/${tenantId}/users`, body)).status, 201)
    await served.stop()
    return tenantId
  }

  test('another URL and another key lead to the same cluster', async () => {
    const on = await newDirectory(['--no-example'])
    const rgw = await newRgw()
    const tenantId = await newTenantOn(on, rgw)
    const other = await newRgw()
    for (const [uid, user] of rgw.users) other.users.set(uid, user)
    const served = await on.serve({ ...other.settings, USHER_CEPH_RGW_ACCESS_KEY: 'NEW' })
    const body = { cd_user_id: 'bob', cd_tenant_id: 'acme' }
    assert.equal((await served.call('POST', `tenants/${tenantId}/users`, body)).status, 201)
  })

  test('nothing is written to another cluster, with or without an identity, until the operator adopts it', async () => {
    const on = await newDirectory(['--no-example'])
    const tenantId = await newTenantOn(on, await newRgw())
    const recorded = (await statusOf(on)).platform.cluster
    assert.ok(recorded)
    const [empty, taken] = [await newRgw(), await newRgw()]
    await newTenantOn(await newDirectory(['--no-example']), taken)
    for (const rgw of [empty, taken]) {
      const before = [...rgw.users.keys()]
      const served = await on.serve(rgw.settings)
      await waitUntil(
        async () => /not the cluster that the accounts on ceph-rgw are on/.test(served.log()),
        10_000,
      )
      const body = { cd_user_id: 'bob', cd_tenant_id: 'acme' }
      assert.equal((await served.call('POST', `tenants/${tenantId}/users`, body)).status, 503)
      assert.equal((await served.call('GET', 'usage')).status, 503)
      const info = await send(served.url, { method: 'GET', path: '/api/info' })
      assert.equal(jsonOf<{ status: string }>(info).status, 'ERROR')
      const { platform } = await statusOf(on, rgw.settings)
      assert.match(platform.reason ?? '', new RegExp(`recorded the cluster ${recorded}`))
      const check = await on.run(['platform', 'check', '--fix'], rgw.settings)
      assert.deepEqual([check.code, /not the cluster/.test(check.stderr)], [1, true])
      assert.deepEqual([...rgw.users.keys()], before)
      await served.stop()
    }
    const adopted = await on.cli<{ cluster: string }>(['platform', 'adopt-cluster'], empty.settings)
    assert.notEqual(adopted.cluster, recorded)
    const fixed = await on.run(['platform', 'check', '--fix'], empty.settings)
    assert.equal(fixed.code, 0, fixed.stdout)
    assert.equal([...empty.users.keys()].filter((uid) => uid.startsWith(`${tenantId}$`)).length, 1)
  })

  test('a cluster that is replaced while Usher serves is noticed', async () => {
    const on = await newDirectory(['--no-example'])
    const rgw = await newRgw()
    const served = await on.serve(rgw.settings)
    const tenantId = await served.createTenant('Acme', 'acme')
    const add = (user: string) =>
      served.call('POST', `tenants/${tenantId}/users`, { cd_user_id: user, cd_tenant_id: 'acme' })
    assert.equal((await add('ada')).status, 201)
    rgw.users.clear()
    rgw.down = true
    await add('bob')
    rgw.down = false
    assert.equal((await add('eve')).status, 503)
    assert.deepEqual([...rgw.users.keys()], [])
  })
})
