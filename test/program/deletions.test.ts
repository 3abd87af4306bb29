import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { engine, programEnvironment } from '../../testing/environment.ts'
import { initialise, newDataDir, serve, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

/** So many that the job outlives the kill. At full length, job-kills.test.ts kills a deletion more often. */
const USERS = 400
const LIMIT_MS = 60_000
const LOADER = join(import.meta.dirname, '../../bench/load-users.ts')

/** On PostgreSQL another process may run the job, so a start waits for the lease of a dead one. */
async function expireLeases(dataDir: string): Promise<void> {
  if (engine() === 'postgres') await queryStore(dataDir, "UPDATE jobs SET leased_until = '2026-01-01'")
}

test('a deletion that is killed ends, and deletes each user once', async () => {
  const { path, remove } = newDataDir()
  const init = await initialise(path)
  const env = await programEnvironment(path, {})
  await promisify(execFile)(process.execPath, [LOADER, '--users', String(USERS)], { env })
  const { job } = await usherJson<{ job: string }>(path, ['organization', 'delete', init.customer.id])
  const server = await serve(path)
  await pause(Math.random() * 300)
  await server.stop('SIGKILL')
  await expireLeases(path)
  const last = await serve(path)
  interface Ended {
    readonly state: string
    readonly result: object
  }
  const show = (): Promise<Ended> => usherJson<Ended>(path, ['job', 'show', job])
  await waitUntil(async () => (await show()).state === 'succeeded', LIMIT_MS)
  const { result } = await show()
  assert.deepEqual(result, { users: USERS, accounts: 0, purgedData: false, keptAccounts: [] })
  await last.stop()
  const users = await queryStore(path, 'SELECT version, deleted_at FROM users')
  assert.equal(users.length, USERS)
  for (const user of users) assert.ok(user.version === 2 && user.deleted_at !== null)
  const sql = "SELECT outcome FROM audit_entries WHERE operation = 'DeleteCustomer' ORDER BY pk"
  assert.deepEqual(
    (await queryStore(path, sql)).map(({ outcome }) => outcome),
    ['begun', 'deleted'],
  )
  if (engine() === 'sqlite') assert.deepEqual((await verifyStore(path)).faults, [])
  remove()
})
