import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startServing } from '../../testing/children.ts'
import { engine } from '../../testing/environment.ts'
import { FULL_LENGTH, rounds } from '../../testing/full-length.ts'
import { jsonOf, send } from '../../testing/http.ts'
import { getToken, type Init, initialise, newDataDir, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

const ROUNDS = rounds(2, 20)
/** More than a fast machine deletes before the last kill. */
const USERS = ROUNDS * 400
const LIMIT_MS = 60_000
/** How long what is left of the deletion may take: each look at the job opens the store, which slows it. */
const END_MS = 240_000
/** The job waits 6 s for creates of other processes, which only a full run can afford. */
const skip = FULL_LENGTH ? false : 'runs at full length only'
/** Tokens name their issuer, which must stay the same although the port changes. */
const SETTINGS = { USHER_PUBLIC_URL: 'http://usher.example' }

interface Job {
  readonly state: string
  readonly done: number
  readonly result: unknown
}

/** Returns whether a job has done more than before, or has ended. */
function isAhead(job: Job, done: number): boolean {
  return job.done > done || job.state === 'succeeded'
}

async function importUsers(dataDir: string, customer: string): Promise<void> {
  const file = join(dataDir, 'people.csv')
  const rows = Array.from({ length: USERS }, (_, i) => `Ada,Lovelace,${i}@example.com,Viewer`)
  writeFileSync(file, ['firstName,lastName,email,groups', ...rows].join('\n'))
  await usherJson(dataDir, ['user', 'import', file, '--organization', customer], SETTINGS).catch(
    () => undefined,
  )
}

test(`a customer whose deletion is killed ${ROUNDS} times is deleted once, with all of its users`, {
  skip,
}, async () => {
  const { path, remove } = newDataDir()
  const init = await initialise(path, SETTINGS)
  await importUsers(path, init.customer.id)
  const show = (id: string): Promise<Job> => usherJson<Job>(path, ['job', 'show', id], SETTINGS)
  let job: string | undefined
  let done = 0
  for (let round = 0; round <= ROUNDS; round++) {
    const served = await startServing(path, { settings: SETTINGS, limitMs: 120_000 })
    try {
      job ??= await deleteCustomer(served.at, init)
      const id = job
      if (round === ROUNDS) await waitUntil(async () => (await show(id)).state === 'succeeded', END_MS)
      // The kill comes at any moment after a step of this process.
      else await waitUntil(async () => isAhead(await show(id), done), LIMIT_MS)
      await pause(Math.random() * 50)
    } finally {
      served.process.kill('SIGKILL')
      await served.ended
    }
    const now = await show(job)
    assert.ok(now.done >= done && now.done <= USERS)
    done = now.done
    // On PostgreSQL another process may run the job, so a start waits for the lease of a dead one.
    if (engine() === 'postgres') await queryStore(path, "UPDATE jobs SET leased_until = '2026-01-01'")
  }
  const result = { users: USERS, accounts: 0, purgedData: false, keptAccounts: [] }
  const { state, ...ended } = await show(job ?? '')
  assert.deepEqual([state, ended.done, ended.result], ['succeeded', USERS, result])
  const [left] = await queryStore(
    path,
    'SELECT count(*) AS live FROM users WHERE deleted_at IS NULL OR version <> 2',
  )
  const receipts = await queryStore(
    path,
    "SELECT outcome FROM audit_entries WHERE operation = 'DeleteCustomer' ORDER BY pk",
  )
  assert.deepEqual([Number(left?.live), receipts.map(({ outcome }) => outcome)], [0, ['begun', 'deleted']])
  if (engine() === 'sqlite') assert.deepEqual((await verifyStore(path)).faults, [])
  remove()
})

/** Deletes the example's customer; returns the id of the job. */
async function deleteCustomer(url: string, init: Init): Promise<string> {
  const token = await getToken(url, init.clients.administrator)
  const headers = { authorization: `Bearer ${token}`, 'x-tenant': init.portal }
  const path = `/v1/Customers/${init.customer.id}`
  const response = await send(url, { method: 'DELETE', path, headers })
  assert.equal(response.status, 202, response.text)
  const location = String(response.headers.location)
  const read = await send(url, { method: 'GET', path: location, headers })
  assert.equal(jsonOf<Job & { operation: string }>(read).operation, 'DeleteCustomer')
  return location.split('/').at(-1) ?? ''
}
