import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { startServing } from '../../testing/children.ts'
import { type CallResult, type Creates, newCreates, prepareCreates } from '../../testing/creates.ts'
import { useServer } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import type { Cluster, StopMode } from '../../testing/postgres-cluster.ts'
import { initialise, newDataDir } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { type Asked, checkRows, load } from '../support/load.ts'
import { onCluster } from '../support/postgres.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

/** How long the database is down: longer than clients and portals are cached. */
const DOWN_MS = 3_000
const LIMIT_MS = 20_000
/** How many creates succeed before the database stops, and again after its start. */
const CREATES = rounds(25, 200)

/** At full length the crashes, which come at any moment, are repeated. */
const CRASHES: readonly StopMode[] = Array.from({ length: rounds(0, 4) }, (_, i) =>
  i % 2 === 0 ? 'killed' : 'immediate',
)
const MODES: readonly StopMode[] = ['fast', 'immediate', ...CRASHES]

const DIRECTORY_DOWN = 'The directory cannot be reached at the moment; try again.'
const PLATFORM_DOWN = 'The platform cannot be reached at the moment. The user is kept; repeat the call.'

/** The only bodies of a 503: each dialect's own error, without any detail of the cause. */
const UNAVAILABLE = [
  { statusCode: 503, type: 'Unavailable', description: DIRECTORY_DOWN, errors: [] },
  { code: 'E_INTERNAL', message: DIRECTORY_DOWN },
  { code: 'E_PLATFORM', message: PLATFORM_DOWN },
]

function assertServedOrUnavailable({ status, body }: CallResult): void {
  if (status === 201) return
  assert.equal(status, 503, JSON.stringify(body))
  const { correlationId: _, ...said } = body as Record<string, unknown>
  const known = UNAVAILABLE.some((one) => isDeepStrictEqual(one, said))
  assert.ok(known, JSON.stringify(body))
}

/** Returns creates without a response, and the newest with one. */
function choose(asked: ReadonlyMap<string, string | undefined>): [name: string, id: string | undefined][] {
  const isConfirmed = ([, id]: [string, string | undefined]): boolean => id !== undefined
  const all = [...asked]
  return [...all.filter((one) => !isConfirmed(one)).slice(0, 100), ...all.filter(isConfirmed).slice(-50)]
}

/**
 * Repeats creates. Those with a response get the same id again; the others get an id now, whether they were stored or
 * not.
 */
async function checkRepeats(creates: Creates, asked: Asked): Promise<void> {
  for (const [email, id] of choose(asked.portal)) {
    const { status, body } = await creates.portal(email)
    if (id) assert.deepEqual([status, body], [200, id])
    else assert.ok(status === 200 || status === 201, `${status} ${JSON.stringify(body)}`)
    asked.portal.set(email, body as string)
  }
  for (const [user, id] of choose(asked.osis)) {
    const { status, body } = await creates.osis(user)
    assert.equal(status, 201, JSON.stringify(body))
    const { user_id } = body as { user_id: string }
    if (id) assert.equal(user_id, id)
    asked.osis.set(user, user_id)
  }
}

/** Waits until the background work has finished the accounts whose attempts could not be recorded. */
async function waitUntilApplied(dataDir: string): Promise<void> {
  const unapplied = 'SELECT pk FROM accounts WHERE applied_version < desired_version'
  await waitUntil(async () => (await queryStore(dataDir, unapplied)).length === 0, LIMIT_MS)
}

/** Stops and starts the database while creates are running. Returns these creates. */
async function loadThrough(cluster: Cluster, mode: StopMode, at: string, creates: Creates): Promise<Asked> {
  const asked: Asked = { portal: new Map(), osis: new Map() }
  let [served, refused, over] = [0, 0, false]
  const loading = load(creates, asked, mode, (response) => {
    assertServedOrUnavailable(response)
    if (response.status === 201) served++
    else refused++
    return !over
  })
  const steps = async (): Promise<void> => {
    await waitUntil(async () => served > CREATES, LIMIT_MS)
    await cluster.stop(mode)
    await checkDown(at).finally(() => cluster.start())
    const [before, refusals] = [served, refused]
    await waitUntil(async () => served > before + CREATES, LIMIT_MS)
    assert.ok(refusals > 0, 'no create was sent while the database was down')
  }
  const stepping = steps().finally(() => {
    over = true
  })
  for (const one of await Promise.allSettled([loading, stepping]))
    if (one.status === 'rejected') throw one.reason
  return asked
}

/** Asserts what the other endpoints return while the database is down, and that this does not change. */
async function checkDown(at: string): Promise<void> {
  const status = async (path: string): Promise<number> => (await fetch(`${at}${path}`)).status
  await waitUntil(async () => (await status('/readyz')) === 503, LIMIT_MS)
  const begun = Date.now()
  while (Date.now() < begun + DOWN_MS) {
    assert.deepEqual([await status('/healthz'), await status('/readyz')], [200, 503])
    await pause(100)
  }
  const metrics = await fetch(`${at}/metrics`)
  assert.equal(metrics.status, 200)
  assert.ok(/^usher_accounts_unapplied nan$/im.test(await metrics.text()), 'the metrics show a backlog')
  const client = { client_id: randomUUID(), client_secret: 'x' }
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...client })
  const response = await fetch(`${at}/oauth2/v2.0/token`, { method: 'POST', body })
  assert.equal(response.status, 503)
  const said = { error: 'temporarily_unavailable', error_description: 'try again later' }
  assert.deepEqual(await response.json(), said)
}

await onCluster('a database that is stopped under load and started again', (cluster) => {
  useServer(cluster)
  for (const mode of MODES) {
    test(`Usher responds with 503 meanwhile, goes on by itself, and has lost nothing (${mode})`, async (t) => {
      const { path, remove } = newDataDir()
      const settings = { USHER_PUBLIC_URL: 'https://usher.example' }
      const init = await initialise(path, settings)
      const { at, process, ended } = await startServing(path, { settings, limitMs: 120_000 })
      t.after(async () => {
        process.kill('SIGKILL')
        await ended
        remove()
      })
      const creates = newCreates(at, { init, ...(await prepareCreates(at, init)) })
      const asked = await loadThrough(cluster, mode, at, creates)
      await waitUntil(async () => (await fetch(`${at}/readyz`)).status === 200, LIMIT_MS)
      await checkRows(path, asked)
      await checkRepeats(creates, asked)
      await waitUntilApplied(path)
      await checkRows(path, asked)
      const { faults, unsealed } = await verifyStore(path)
      assert.deepEqual([faults, unsealed], [[], 0])
    })
  }
})
