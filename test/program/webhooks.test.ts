import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startServing } from '../../testing/children.ts'
import { newCreates, prepareCreates } from '../../testing/creates.ts'
import { engine } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { initialise, newDataDir, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { startReceiver } from '../support/receiver.ts'
import { queryStore } from '../support/stored.ts'

const ROUNDS = rounds(1, 20)
const CREATES = 25
const LIMIT_MS = 30_000
/** Tokens name their issuer, which must stay the same although the port changes. */
const SETTINGS = { USHER_PUBLIC_URL: 'http://usher.example', USHER_WEBHOOK_NETWORKS: '127.0.0.1' }

test(`${ROUNDS} times killed while events are delivered, each event arrives, and in order`, async () => {
  const { path, remove } = newDataDir()
  const receiver = await startReceiver()
  const init = await initialise(path, SETTINGS)
  const created = ['--url', receiver.url, '--operation', 'CreateUser']
  const { id } = await usherJson<{ id: string }>(path, ['webhook', 'create', ...created], SETTINGS)
  let ready: Awaited<ReturnType<typeof prepareCreates>> | undefined
  const made: string[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const served = await startServing(path, { settings: SETTINGS })
    try {
      ready ??= await prepareCreates(served.at, init)
      const { portal } = newCreates(served.at, { init, ...ready })
      // The receiver fails now and then, so that events wait while others are delivered.
      receiver.respond(() => (Math.random() < 0.1 ? 503 : 204))
      const before = receiver.requests.length
      for (let i = 0; i < CREATES; i++) {
        const { status, body } = await portal(`${round}.${i}@example.com`)
        assert.equal(status, 201)
        made.push(body as string)
      }
      if (round < ROUNDS) {
        await waitUntil(async () => receiver.requests.length > before, LIMIT_MS)
        await pause(Math.random() * 100)
      } else {
        receiver.respond(() => 204)
        const isAll = async (): Promise<boolean> => receiver.accepted().length === made.length
        await waitUntil(isAll, LIMIT_MS).catch(() => undefined)
      }
    } finally {
      served.process.kill('SIGKILL')
      await served.ended
    }
    // On PostgreSQL another process may deliver, so a start waits for the lease of a dead one.
    if (engine() === 'postgres') await queryStore(path, "UPDATE webhooks SET leased_until = '2026-01-01'")
  }
  const targets = receiver.accepted().map(({ data }) => data.target)
  await receiver.end()
  const left = await usherJson<{ deadLetters: number }>(path, ['webhook', 'show', id], SETTINGS)
  assert.deepEqual([targets, left.deadLetters], [made, 0])
  remove()
})
