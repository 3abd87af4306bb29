import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { startServing } from '../../testing/children.ts'
import { type Creates, newCreates, prepareCreates } from '../../testing/creates.ts'
import { getToken, initialise, newDataDir } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { type Asked, checkRows } from '../support/load.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

const PRELOAD = new URL('../support/clock-set-back.ts', import.meta.url)
/** Tokens name their issuer, which must stay the same although the port changes. */
const SETTINGS = { USHER_PUBLIC_URL: 'http://usher.example', NODE_OPTIONS: `--import=${PRELOAD}` }
const LIMIT_MS = 20_000
const COUNT = 5

/** Creates users, each twice, through both APIs, and asserts that the second create returns the first one's user. */
async function createTwice(creates: Creates, asked: Asked, name: string): Promise<void> {
  for (let i = 0; i < COUNT; i++) {
    const [email, user] = [`${name}.${i}@example.com`, `${name}.${i}`]
    const made = [await creates.portal(email), await creates.osis(user)] as const
    assert.deepEqual([made[0].status, made[1].status], [201, 201], JSON.stringify(made))
    asked.portal.set(email, made[0].body as string)
    asked.osis.set(user, (made[1].body as { user_id: string }).user_id)
  }
  await repeatAll(creates, asked)
}

async function repeatAll(creates: Creates, { portal, osis }: Asked): Promise<void> {
  for (const [email, id] of portal) {
    const { status, body } = await creates.portal(email)
    assert.deepEqual([status, body], [200, id])
  }
  for (const [user, id] of osis) {
    const { status, body } = await creates.osis(user)
    assert.deepEqual([status, (body as { user_id: string }).user_id], [201, id])
  }
}

/** Creates a user. Returns the time of its audit entry. */
async function timeOfNewUser(dataDir: string, creates: Creates): Promise<string> {
  const { status, body } = await creates.portal(`${randomUUID()}@example.com`)
  assert.equal(status, 201)
  const [entry] = await queryStore(dataDir, 'SELECT at FROM audit_entries WHERE target = ?', body as string)
  return String(entry?.at)
}

test('a clock that is set back by an hour while Usher serves loses, repeats and reorders nothing', async (t) => {
  const { path, remove } = newDataDir()
  const init = await initialise(path)
  const asked: Asked = { portal: new Map(), osis: new Map() }
  const served = await startServing(path, { settings: SETTINGS, limitMs: 60_000 })
  t.after(async () => {
    served.process.kill('SIGKILL')
    await served.ended
    remove()
  })
  const ready = await prepareCreates(served.at, init)
  await createTwice(newCreates(served.at, { init, ...ready }), asked, 'before')

  const begun = new Date().toISOString()
  served.process.kill('SIGUSR2')
  await waitUntil(
    async () => (await timeOfNewUser(path, newCreates(served.at, { init, ...ready }))) < begun,
    LIMIT_MS,
  )
  // The token that was issued in the future is known already, and a new one is valid too.
  await repeatAll(newCreates(served.at, { init, ...ready }), asked)
  const token = await getToken(served.at, init.clients.administrator)
  await createTwice(newCreates(served.at, { init, ...ready, token }), asked, 'after')
  assert.equal((await fetch(`${served.at}/readyz`)).status, 200)

  await checkRows(path, asked)
  const { faults } = await verifyStore(path)
  assert.deepEqual(faults, [])
  // Entries stand in the order of their commits, although their times do not.
  const entries = await queryStore(
    path,
    "SELECT target FROM audit_entries WHERE operation = 'CreateUser' AND outcome = 'created' ORDER BY pk",
  )
  const ids = new Set(asked.portal.values())
  assert.deepEqual(
    entries.map(({ target }) => target).filter((id) => ids.has(id as string)),
    [...ids],
  )
  const unapplied = 'SELECT pk FROM accounts WHERE applied_version < desired_version'
  await waitUntil(async () => (await queryStore(path, unapplied)).length === 0, LIMIT_MS)
})
