import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { verifyAuditLog } from '../src/store/audit.ts'
import { openStore } from '../src/store/open.ts'
import { startServing } from './support/children.ts'
import { type Creates, newCreates, prepareCreates } from './support/creates.ts'
import { type Init, newDataDir, usherJson } from './support/usher.ts'

const ROUNDS = 20
/** The tokens' issuer must not change with the port. */
const SETTINGS = { USHER_PUBLIC_URL: 'http://usher.example' }

/** What was asked for, and the id that was answered; undefined where the answer was lost. */
interface Asked {
  readonly portal: Map<string, string | undefined>
  readonly osis: Map<string, string | undefined>
}

/** Creates without pause over several connections, until the server is gone. */
async function load(creates: Creates, asked: Asked, round: number): Promise<void> {
  let gone = false
  const portal = async (worker: number): Promise<void> => {
    for (let i = 0; !gone; i++) {
      const email = `${round}.${worker}.${i}@example.com`
      asked.portal.set(email, undefined)
      const { status, body } = await creates.portal(email)
      gone ||= status === 0
      if (status === 0) continue
      assert.equal(status, 201)
      asked.portal.set(email, body as string)
    }
  }
  const osis = async (worker: number): Promise<void> => {
    for (let i = 0; !gone; i++) {
      const user = `${round}.${worker}.${i}`
      asked.osis.set(user, undefined)
      const { status, body } = await creates.osis(user)
      gone ||= status === 0
      if (status === 0) continue
      assert.equal(status, 201)
      asked.osis.set(user, (body as { user_id: string }).user_id)
    }
  }
  await Promise.all([0, 1, 2, 3].flatMap((worker) => [portal(worker), osis(worker)]))
}

type Row = Record<string, string | number | null>

/** The store as it lies on the disk, seen from outside. */
function readFile(path: string): { users: Row[]; created: Row[]; loose: Row[] } {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const all = (sql: string): Row[] => db.prepare(sql).all() as Row[]
    return {
      users: all(
        'SELECT u.id, u.email, a.org_user_id FROM users u LEFT JOIN accounts a ON a.user_pk = u.pk ORDER BY u.id',
      ),
      created: all(
        "SELECT target FROM audit_entries WHERE outcome = 'created' AND operation IN ('CreateUser', 'CreateAccount') ORDER BY target",
      ),
      loose: all(
        `SELECT u.id FROM users u
         LEFT JOIN accounts a ON a.user_pk = u.pk
         WHERE (SELECT count(*) FROM memberships m WHERE m.user_pk = u.pk) <> (CASE WHEN u.email IS NULL THEN 0 ELSE 1 END)
         OR (SELECT count(*) FROM credentials c WHERE c.account_pk = a.pk) <> (CASE WHEN u.email IS NULL THEN 1 ELSE 0 END)`,
      ),
    }
  } finally {
    db.close()
  }
}

function checkFile(path: string, asked: Asked): void {
  const { users, created, loose } = readFile(path)
  assert.deepEqual(
    created.map((row) => row.target),
    users.map((row) => row.id),
    'users and the audit entries of their creation are not the same',
  )
  assert.deepEqual(loose, [], 'a user without its group or its one credential')
  const byEmail = new Map(users.filter((row) => row.email).map((row) => [row.email, row.id]))
  const byOrgUser = new Map(users.filter((row) => row.org_user_id).map((row) => [row.org_user_id, row.id]))
  assert.equal(byEmail.size + byOrgUser.size, users.length, 'a user is there twice')
  for (const [email, id] of asked.portal) if (id) assert.equal(byEmail.get(email), id, `${email} was lost`)
  for (const [user, id] of asked.osis) if (id) assert.equal(byOrgUser.get(user), id, `${user} was lost`)
}

/** @returns the number of the newest block */
async function checkChain(path: string): Promise<number> {
  const store = await openStore(`sqlite:${path}`)
  const { faults, unsealed, head } = await store.read((tx) => verifyAuditLog(tx, store.embedded))
  await store.close()
  assert.deepEqual([faults, unsealed], [[], 0])
  return head.block
}

/**
 * The same creates again: those that were answered get the same id; the others, whatever became of them, get one.
 * An OSIS create that was not answered has a test of its own below: a dead process may hold its account's lease.
 */
async function checkRepeats(creates: Creates, asked: Asked, round: number): Promise<void> {
  const last = (map: Map<string, string | undefined>): [string, string | undefined][] =>
    [...map].filter(([name]) => name.startsWith(`${round}.`))
  const answered = ([, id]: [string, string | undefined]): boolean => id !== undefined
  const portal = last(asked.portal)
  const lost = portal.filter((one) => !answered(one))
  await Promise.all([
    ...[...portal.filter(answered).slice(-15), ...lost].map(async ([email, id]) => {
      const { status, body } = await creates.portal(email)
      if (id) assert.deepEqual([status, body], [200, id])
      else assert.ok(status === 200 || status === 201)
      asked.portal.set(email, body as string)
    }),
    ...last(asked.osis)
      .filter(answered)
      .slice(-15)
      .map(async ([user, id]) => {
        const { status, body } = await creates.osis(user)
        assert.deepEqual([status, (body as { user_id: string }).user_id], [201, id])
      }),
  ])
}

test(`${ROUNDS} times killed while creates are running, no answered create is lost and none is half-made`, async () => {
  const { path, remove } = newDataDir()
  const file = join(path, 'usher.db')
  const init = await usherJson<Init>(path, ['init'])
  const asked: Asked = { portal: new Map(), osis: new Map() }
  let ready: { token: string; tenantId: string } | undefined
  let newest = 0
  for (let round = 0; round <= ROUNDS; round++) {
    const served = await startServing(path, { settings: SETTINGS })
    ready ??= await prepareCreates(served.at, init)
    const creates = newCreates(served.at, { init, ...ready })
    try {
      checkFile(file, asked)
      const head = await checkChain(file)
      assert.ok(head >= newest, 'the end of the audit log was lost')
      newest = head
      await checkRepeats(creates, asked, round - 1)
      checkFile(file, asked)
      const loading = round === ROUNDS ? undefined : load(creates, asked, round)
      await pause(50 + Math.random() * 250)
      served.process.kill('SIGKILL')
      await loading
    } finally {
      served.process.kill('SIGKILL')
      await served.ended
    }
  }
  const answered = [...asked.portal.values(), ...asked.osis.values()].filter(Boolean)
  assert.ok(answered.length > ROUNDS * 10, `only ${answered.length} creates were answered`)
  assert.ok([...asked.osis.values()].filter(Boolean).length > ROUNDS)
  remove()
})

test('an account that a killed process was about to apply is finished for whoever repeats the create', async () => {
  const { path, remove } = newDataDir()
  const init = await usherJson<Init>(path, ['init'])
  const first = await startServing(path, { settings: SETTINGS })
  const ready = await prepareCreates(first.at, init)
  const { body } = await newCreates(first.at, { init, ...ready }).osis('ada')
  first.process.kill('SIGKILL')
  await first.ended
  // As the file looks when the kill came between taking the lease and marking the account as applied.
  const db = new DatabaseSync(join(path, 'usher.db'))
  const until = new Date(Date.now() + 29_000).toISOString()
  db.prepare('UPDATE accounts SET applied_version = 0, attempts = 1, leased_until = ?').run(until)
  db.close()
  const second = await startServing(path, { settings: SETTINGS })
  const again = await newCreates(second.at, { init, ...ready }).osis('ada')
  second.process.kill('SIGKILL')
  await second.ended
  remove()
  assert.equal(again.status, 201, JSON.stringify(again.body))
  assert.deepEqual(again.body, body)
})
