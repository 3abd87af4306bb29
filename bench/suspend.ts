import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { AdminClient, type CephRgwSettings } from '../src/platform/ceph-rgw/admin-client.ts'
import { type GatewaySettings, withGateway } from '../testing/ceph-rgw.ts'
import { basic, jsonOf, send } from '../testing/http.ts'
import { getToken, type Init, serve, usherJson } from '../testing/usher.ts'
import { type Key, removeUsers, works } from './osis-creators.ts'

/**
 * Suspends a customer with many accounts on a real Ceph RGW. Measures when the first key and the last key stop working,
 * and compares the rate with that of the gateway's Admin API alone: for each user the two calls that a suspension
 * needs, since the metadata call replaces the whole record, which must be read first. Bar: docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '10000' },
    concurrency: { type: 'string', default: '8' },
    directory: { type: 'string', default: '.' },
  },
})
const count = Number(values.accounts)
const level = Number(values.concurrency)
const BAR = 0.8
const signal = new AbortController().signal

process.on('SIGINT', () => process.exit(130))
await withGateway(main)

async function main(settings: GatewaySettings): Promise<void> {
  const url = settings.USHER_TEST_CEPH_RGW_URL ?? ''
  const gateway: CephRgwSettings = {
    url,
    accessKey: settings.USHER_TEST_CEPH_RGW_ACCESS_KEY ?? '',
    secretKey: settings.USHER_TEST_CEPH_RGW_SECRET_KEY ?? '',
    s3Url: url,
  }
  const admin = new AdminClient(gateway)
  const work = mkdtempSync(join(values.directory, '.bench-'))
  const on = await startUsher(work, gateway)
  try {
    const [alone, ours] = [await on.addCustomer(Math.min(count, 2_000)), await on.addCustomer(count)]
    console.log(`${count} accounts, ${level} calls at once, Node ${process.version}`)
    const perSecond = await measure(alone.uids, (uid) => suspendAlone(admin, uid))
    console.log(`Admin API alone: ${perSecond.toFixed(0)} suspensions/s`)
    const { first, last } = await suspendCustomer(on, url, ours)
    const rate = (count / last) * 1000
    const ratio = rate / perSecond
    console.log(`through Usher:   ${rate.toFixed(0)} suspensions/s`)
    console.log(`first key dead after ${first.toFixed(0)} ms (bar 1000: ${first < 1000 ? 'met' : 'missed'})`)
    console.log(`last key dead after ${(last / 1000).toFixed(1)} s`)
    console.log(`ratio ${ratio.toFixed(2)} (bar ${BAR}: ${ratio >= BAR ? 'met' : 'missed'})`)
  } finally {
    await on.stop()
    // A gateway that was started for this is removed as a whole.
    if (!settings.USHER_TEST_CEPH_RGW_DIR) await removeUsers(admin, on.tenants)
    rmSync(work, { recursive: true, force: true })
  }
}

interface Customer {
  readonly id: string
  /** The users on the gateway, in the order of their creation, and the keys of the first and the last. */
  readonly uids: readonly string[]
  readonly first: Key
  readonly last: Key
}

/** Runs work for each uid, `level` at once. Returns how many ended per second. */
async function measure(uids: readonly string[], run: (uid: string) => Promise<void>): Promise<number> {
  const queue = uids.values()
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: level }, async () => {
      for (const uid of queue) await run(uid)
    }),
  )
  return (uids.length / (performance.now() - begun)) * 1000
}

async function suspendAlone(admin: AdminClient, uid: string): Promise<void> {
  const call = { path: '/admin/metadata/user', query: { key: uid } } as const
  const { body } = await admin.call({ ...call, method: 'GET' }, signal)
  const { data } = body as { data: object }
  const record = { key: `user:${uid}`, data: { ...data, suspended: 1 } }
  await admin.call({ ...call, method: 'PUT', body: record }, signal)
}

/** Suspends a customer. Returns when the first and the last key stopped working, in milliseconds. */
async function suspendCustomer(
  on: Awaited<ReturnType<typeof startUsher>>,
  s3Url: string,
  { id, first, last }: Customer,
): Promise<{ first: number; last: number }> {
  const begun = performance.now()
  await on.portal('POST', `/Customers/${id}/suspend`)
  const dies = async (key: Key, everyMs: number): Promise<number> => {
    while (await works(s3Url, key)) await pause(everyMs)
    return performance.now() - begun
  }
  const firstDead = await dies(first, 10)
  return { first: firstDead, last: await dies(last, 100) }
}

async function startUsher(dataDir: string, gateway: CephRgwSettings) {
  const settings = {
    USHER_LOG_LEVEL: 'info',
    USHER_CEPH_RGW_URL: gateway.url,
    USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
    USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
  }
  const init = await usherJson<Init>(dataDir, ['init'], settings)
  const usher = await serve(dataDir, { settings })
  const token = await getToken(usher.url, init.clients.administrator)
  const tenants: string[] = []
  const call = async <T>(authorization: string, sent: { method: string; path: string; body?: object }) => {
    const headers = {
      authorization,
      'x-tenant': init.portal,
      'content-type': sent.body && 'application/json',
    }
    const body = sent.body && JSON.stringify(sent.body)
    const response = await send(usher.url, { ...sent, headers, body })
    if (response.status > 299)
      throw new Error(`${sent.method} ${sent.path}: ${response.status} ${response.text}`)
    return response.text === '' ? (undefined as T) : jsonOf<T>(response)
  }
  const { client_id, client_secret } = init.clients.osis
  const osis = <T>(method: string, path: string, body?: object): Promise<T> =>
    call<T>(basic(client_id, client_secret), { method, path: `/api/v1/${path}`, ...(body && { body }) })
  const portal = <T>(method: string, path: string, body?: object): Promise<T> =>
    call<T>(`Bearer ${token}`, { method, path: `/v1${path}`, ...(body && { body }) })
  return {
    tenants,
    portal,
    stop: () => usher.stop(),
    /** Makes a customer with accounts, each with a key. */
    async addCustomer(accounts: number): Promise<Customer> {
      const orgId = randomUUID()
      const { tenant_id: tenant } = await osis<{ tenant_id: string }>('POST', 'tenants', {
        name: 'Bench',
        cd_tenant_ids: [orgId],
      })
      tenants.push(tenant)
      const made: string[] = []
      await measure(
        Array.from({ length: accounts }, () => randomUUID()),
        async (name) => {
          const body = { cd_user_id: name, cd_tenant_id: orgId, username: name }
          const user = await osis<{ canonical_user_id: string }>('POST', `tenants/${tenant}/users`, body)
          made.push(user.canonical_user_id)
        },
      )
      const page = (offset: number) =>
        osis<{ items: { canonical_user_id: string; user_id: string }[] }>(
          'GET',
          `tenants/${tenant}/users?offset=${offset}&limit=1`,
        )
      const keyOf = async (offset: number): Promise<Key> => {
        const [user] = (await page(offset)).items
        const { items } = await osis<{ items: { access_key: string; secret_key: string }[] }>(
          'GET',
          `tenants/${tenant}/users/${user?.user_id}/s3credentials`,
        )
        return { accessKey: items[0]?.access_key ?? '', secretKey: items[0]?.secret_key ?? '' }
      }
      const rows = await usherJson<{ id: string; customer: string }[]>(dataDir, ['tenant', 'list'], settings)
      const id = rows.find((one) => one.id === tenant)?.customer ?? ''
      return { id, uids: made, first: await keyOf(0), last: await keyOf(accounts - 1) }
    },
  }
}
