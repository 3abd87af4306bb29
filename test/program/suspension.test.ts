import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startServing } from '../../testing/children.ts'
import { engine } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { send } from '../../testing/http.ts'
import { getToken, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

const ROUNDS = rounds(1, 20)
/** More than follow in one unit, so that a job does the rest. */
const PEOPLE = 550
const LIMIT_MS = 60_000
const SETTINGS = { USHER_PUBLIC_URL: 'http://usher.example' }

/** On PostgreSQL another process may have the leases, so a start waits for those of a dead one. */
async function expireLeases(dataDir: string): Promise<void> {
  if (engine() !== 'postgres') return
  for (const table of ['jobs', 'accounts'])
    await queryStore(dataDir, `UPDATE ${table} SET leased_until = '2026-01-01'`)
}

async function count(dataDir: string, condition: string): Promise<number> {
  const [row] = await queryStore(dataDir, `SELECT count(*) AS total FROM ${condition}`)
  return Number(row?.total)
}

test(`a customer is suspended and resumed as a whole, although Usher is killed ${ROUNDS} times meanwhile`, async () => {
  const { path, remove } = newDataDir()
  const init = await initialise(path)
  const { id: customer } = await usherJson<{ id: string }>(path, [
    ...['organization', 'add', '--kind', 'customer', '--name', 'Many'],
  ])
  await usherJson(path, ['tenant', 'create', '--customer', customer, '--accounts', 'everyone'])
  const file = join(path, 'people.csv')
  const lines = Array.from({ length: PEOPLE }, (_, i) => `,,person${i}@example.com,`)
  writeFileSync(file, ['firstName,lastName,email,groups', ...lines].join('\n'))
  const { code, stderr } = await runUsher(path, ['user', 'import', file, '--organization', customer])
  assert.equal(code, 0, stderr)
  assert.equal(await count(path, 'accounts'), PEOPLE)
  let confirmed = ''
  for (let round = 0; round <= ROUNDS; round++) {
    await expireLeases(path)
    const served = await startServing(path, { settings: SETTINGS })
    try {
      const isSettled = async (): Promise<boolean> => {
        const [{ suspended_at: suspendedAt } = {}] = await queryStore(
          path,
          'SELECT suspended_at FROM organizations WHERE id = ?',
          customer,
        )
        const wrong = `accounts WHERE active = ${suspendedAt === null ? 0 : 1} OR applied_version < desired_version`
        const jobs = "jobs WHERE kind = 'FollowOrganization' AND state <> 'succeeded'"
        return (await count(path, wrong)) + (await count(path, jobs)) === 0
      }
      await waitUntil(isSettled, LIMIT_MS)
      if (confirmed !== '') {
        const [organization] = await queryStore(
          path,
          'SELECT suspended_at FROM organizations WHERE id = ?',
          customer,
        )
        assert.equal(organization?.suspended_at === null, confirmed === 'resume')
      }
      if (round === ROUNDS) break
      const verb = round % 2 === 0 ? 'suspend' : 'resume'
      const token = await getToken(served.at, init.clients.administrator)
      const headers = { authorization: `Bearer ${token}`, 'x-tenant': init.portal }
      const call = send(served.at, { method: 'POST', path: `/v1/Customers/${customer}/${verb}`, headers })
      const calling = call.then(
        ({ status }) => status === 200,
        () => false,
      )
      // Every other kill comes while the job runs, the others at any moment of the call.
      if (round % 4 < 2) await calling
      await pause(Math.random() * 100)
      served.process.kill('SIGKILL')
      confirmed = (await calling) ? verb : ''
    } finally {
      served.process.kill('SIGKILL')
      await served.ended
    }
  }
  if (engine() === 'sqlite') assert.deepEqual((await verifyStore(path)).faults, [])
  remove()
})
