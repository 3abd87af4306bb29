import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startServing } from '../../testing/children.ts'
import { type CallResult, type Creates, newCreates, prepareCreates } from '../../testing/creates.ts'
import { engine } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { initialise, newDataDir } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { type Asked, checkRows, load, loadInBulk } from '../support/load.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

/** 100 kills at full length. Each round checks all that its store holds, so that few long series would take longest. */
const [SERIES, ROUNDS] = [rounds(1, 10), rounds(4, 10)]
const RESPONSE_LIMIT_MS = 60_000
/** How long a server may live: checks of a slow machine take long. */
const limitMs = 240_000
/** Tokens name their issuer, which must stay the same although the port changes. */
const SETTINGS = { USHER_PUBLIC_URL: 'http://usher.example' }

/** Returns whether the server is still there. While it is, each response is a 201. */
function isConfirmed({ status }: CallResult): boolean {
  assert.ok(status === 201 || status === 0, `the response was ${status}`)
  return status === 201
}

/** Asserts that the audit log is whole. Returns the number of its newest block. */
async function checkChain(dataDir: string): Promise<number> {
  const { faults, unsealed, head } = await verifyStore(dataDir)
  assert.deepEqual([faults, unsealed], [[], 0])
  return head.block
}

/**
 * Repeats creates. Those with a response get the same id again; the others get an id now, whether they were stored or
 * not. OSIS creates without a response have a test of their own below, since a dead process may hold their lease.
 */
async function checkRepeats(creates: Creates, asked: Asked, round: number): Promise<void> {
  const last = (map: Map<string, string | undefined>): [string, string | undefined][] =>
    [...map].filter(([name]) => name.startsWith(`${round}.`))
  const confirmed = ([, id]: [string, string | undefined]): boolean => id !== undefined
  const portal = last(asked.portal)
  const lost = portal.filter((one) => !confirmed(one))
  await Promise.all([
    ...[...portal.filter(confirmed).slice(-15), ...lost].map(async ([email, id]) => {
      const { status, body } = await creates.portal(email)
      if (id) assert.deepEqual([status, body], [200, id])
      else assert.ok(status === 200 || status === 201)
      asked.portal.set(email, body as string)
    }),
    ...last(asked.osis)
      .filter(confirmed)
      .slice(-15)
      .map(async ([user, id]) => {
        const { status, body } = await creates.osis(user)
        assert.deepEqual([status, (body as { user_id: string }).user_id], [201, id])
      }),
  ])
}

function countResponses(asked: ReadonlyMap<string, string | undefined>): number {
  return [...asked.values()].filter(Boolean).length
}

/** Kills one server after the other while creates are running, and checks what the store holds each time. */
async function killRepeatedly(): Promise<void> {
  const { path, remove } = newDataDir()
  const init = await initialise(path)
  const asked: Asked = { portal: new Map(), osis: new Map() }
  let ready: { token: string; tenantId: string } | undefined
  let newest = 0
  for (let round = 0; round <= ROUNDS; round++) {
    const served = await startServing(path, { settings: SETTINGS, limitMs })
    ready ??= await prepareCreates(served.at, init)
    const creates = newCreates(served.at, { init, ...ready })
    try {
      await checkRows(path, asked)
      const head = await checkChain(path)
      assert.ok(head >= newest, 'the end of the audit log was lost')
      newest = head
      await checkRepeats(creates, asked, round - 1)
      if (round === ROUNDS) await checkRows(path, asked)
      const before = countResponses(asked.osis)
      const loads = round === ROUNDS ? [] : [load, loadInBulk]
      const loading = Promise.all(loads.map((one) => one(creates, asked, round, isConfirmed)))
      // The kill comes at any moment after both APIs have responded, on a slow machine too.
      if (round < ROUNDS)
        await waitUntil(async () => countResponses(asked.osis) > before + 1, RESPONSE_LIMIT_MS)
      await pause(Math.random() * 100)
      served.process.kill('SIGKILL')
      await loading
    } finally {
      served.process.kill('SIGKILL')
      await served.ended
    }
  }
  const confirmed = countResponses(asked.portal) + countResponses(asked.osis)
  assert.ok(confirmed > ROUNDS * 10, `only ${confirmed} creates were confirmed`)
  remove()
}

describe(`${SERIES * ROUNDS} kills while creates are running`, { concurrency: 3 }, () => {
  for (let series = 1; series <= SERIES; series++)
    test(
      `no confirmed create is lost and none is half-made: series ${series}, ${ROUNDS} kills`,
      killRepeatedly,
    )
})

test('an account that a killed process was about to apply is finished for a repeated create', async () => {
  const { path, remove } = newDataDir()
  const init = await initialise(path)
  const first = await startServing(path, { settings: SETTINGS, limitMs })
  const ready = await prepareCreates(first.at, init)
  const { body } = await newCreates(first.at, { init, ...ready }).osis('ada')
  first.process.kill('SIGKILL')
  await first.ended
  // The state after a kill between taking the lease and marking the account as applied. On SQLite there is no other
  // process, so a start ignores the lease. On PostgreSQL the lease has to expire.
  const until = new Date(Date.now() + (engine() === 'sqlite' ? 29_000 : 3_000)).toISOString()
  await queryStore(path, 'UPDATE accounts SET applied_version = 0, attempts = 1, leased_until = ?', until)
  const second = await startServing(path, { settings: SETTINGS, limitMs })
  const again = await newCreates(second.at, { init, ...ready }).osis('ada')
  second.process.kill('SIGKILL')
  await second.ended
  remove()
  assert.equal(again.status, 201, JSON.stringify(again.body))
  assert.deepEqual(again.body, body)
})
