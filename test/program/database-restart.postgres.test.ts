import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { startServing } from '../../testing/children.ts'
import { type Answer, type Creates, newCreates, prepareCreates } from '../../testing/creates.ts'
import { useServer } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import type { Cluster, StopMode } from '../../testing/postgres-cluster.ts'
import { type Init, newDataDir, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { type Asked, checkRows, load } from '../support/load.ts'
import { onCluster } from '../support/postgres.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

/** Longer than a client or a portal is believed without the database. */
const DOWN_MS = 3_000
const LIMIT_MS = 20_000
/** How many creates succeed before the database goes, and again once it is back. */
const CREATES = rounds(25, 200)

const DIRECTORY_DOWN = 'The directory cannot be reached at the moment; try again.'
const PLATFORM_DOWN = 'The platform cannot be reached at the moment. The user is kept; repeat the call.'

/** All that a create may be answered beside 201: 503 in the words of the dialect, with nothing of the inside. */
const UNAVAILABLE = [
  { statusCode: 503, type: 'InternalError', description: DIRECTORY_DOWN, errors: [] },
  { code: 'E_INTERNAL', message: DIRECTORY_DOWN },
  { code: 'E_PLATFORM', message: PLATFORM_DOWN },
]

function assertServedOrUnavailable({ status, body }: Answer): void {
  if (status === 201) return
  assert.equal(status, 503, JSON.stringify(body))
  const { correlationId: _, ...said } = body as Record<string, unknown>
  const known = UNAVAILABLE.some((one) => isDeepStrictEqual(one, said))
  assert.ok(known, JSON.stringify(body))
}

/** Creates that were under way when the database went, and some of those that were answered. */
function choose(asked: ReadonlyMap<string, string | undefined>): [name: string, id: string | undefined][] {
  const isAnswered = ([, id]: [string, string | undefined]): boolean => id !== undefined
  const all = [...asked]
  return [...all.filter((one) => !isAnswered(one)).slice(0, 100), ...all.filter(isAnswered).slice(-50)]
}

/** The same creates again: those that were answered get the same id; the others, whatever became of them, get one. */
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

/** Accounts whose attempts could not be recorded are finished without anybody asking for them. */
async function waitUntilApplied(dataDir: string): Promise<void> {
  const unapplied = 'SELECT pk FROM accounts WHERE applied_version < desired_version'
  await waitUntil(async () => (await queryStore(dataDir, unapplied)).length === 0, LIMIT_MS)
}

/** Stops and starts the database while creates are running, and answers what was asked for. */
async function loadThrough(cluster: Cluster, mode: StopMode, at: string, creates: Creates): Promise<Asked> {
  const asked: Asked = { portal: new Map(), osis: new Map() }
  let [served, refused, over] = [0, 0, false]
  const loading = load(creates, asked, mode, (answer) => {
    assertServedOrUnavailable(answer)
    if (answer.status === 201) served++
    else refused++
    return !over
  })
  const steps = async (): Promise<void> => {
    await waitUntil(async () => served > CREATES, LIMIT_MS)
    await cluster.stop(mode)
    await checkDown(at).finally(() => cluster.start())
    const [before, refusals] = [served, refused]
    await waitUntil(async () => served > before + CREATES, LIMIT_MS)
    assert.ok(refusals > 0, 'nothing was asked for while the database was down')
  }
  const stepping = steps().finally(() => {
    over = true
  })
  for (const one of await Promise.allSettled([loading, stepping]))
    if (one.status === 'rejected') throw one.reason
  return asked
}

/** What the rest of the program answers while the database is down, and that it stays so. */
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
  assert.ok(/^usher_accounts_unapplied nan$/im.test(await metrics.text()), 'the backlog is told')
  const client = { client_id: randomUUID(), client_secret: 'x' }
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...client })
  const answer = await fetch(`${at}/oauth2/v2.0/token`, { method: 'POST', body })
  assert.equal(answer.status, 503)
  const said = { error: 'temporarily_unavailable', error_description: 'try again later' }
  assert.deepEqual(await answer.json(), said)
}

await onCluster('a database that is stopped under load and started again', (cluster) => {
  useServer(cluster)
  for (const mode of ['fast', 'immediate'] satisfies StopMode[]) {
    test(`Usher answers 503 meanwhile, goes on by itself, and has lost nothing (${mode})`, async (t) => {
      const { path, remove } = newDataDir()
      const settings = { USHER_PUBLIC_URL: 'https://usher.example' }
      const init = await usherJson<Init>(path, ['init'], settings)
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
