import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { engine, programEnvironment } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { initialise, newDataDir, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

const ROUNDS = rounds(1, 20)
const STEPS = ROUNDS * 20
const CHILD = join(import.meta.dirname, '../support/job-runner.ts')
const LIMIT_MS = 30_000

async function startRunner(dataDir: string, ...args: string[]): Promise<ChildProcess> {
  const env = await programEnvironment(dataDir, {})
  return spawn(process.execPath, [CHILD, String(STEPS), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'close')
}

/** On PostgreSQL another process may run the job, so a start waits for the lease of a dead one. */
async function expireLeases(dataDir: string): Promise<void> {
  if (engine() === 'postgres') await queryStore(dataDir, "UPDATE jobs SET leased_until = '2026-01-01'")
}

test(`a job that is killed ${ROUNDS} times goes on after each start, and no step is lost or done twice`, async () => {
  const { path, remove } = newDataDir()
  await initialise(path)
  const args = ['begin']
  for (let round = 0; round < ROUNDS; round++) {
    const child = await startRunner(path, ...args.splice(0))
    // The kill comes at any moment after a step has begun.
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    await pause(Math.random() * 100)
    await kill(child)
    await expireLeases(path)
  }
  const [job] = await usherJson<{ id: string; state: string }[]>(path, ['job', 'list'])
  const last = await startRunner(path)
  const state = async (): Promise<string> =>
    (await usherJson<{ state: string }>(path, ['job', 'show', job?.id ?? ''])).state
  await waitUntil(async () => (await state()) === 'succeeded', LIMIT_MS)
  const entries = await queryStore(
    path,
    "SELECT target FROM audit_entries WHERE operation = 'DeleteOrganization' ORDER BY pk",
  )
  await kill(last)
  assert.deepEqual(
    entries.map(({ target }) => target),
    Array.from({ length: STEPS }, (_, i) => String(i + 1)),
  )
  if (engine() === 'sqlite') assert.deepEqual((await verifyStore(path)).faults, [])
  remove()
})
