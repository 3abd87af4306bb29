import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  createdOf,
  createUser,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisUser,
} from '../contract/object-store.ts'
import { create, newUser } from '../contract/portal.ts'

interface Line {
  readonly level: number
  readonly msg: string
  readonly failures?: number
}

/** Returns the lines of the log since the server listens. */
function linesOf(target: StartedTarget): Line[] {
  const lines = target.log().trim().split('\n')
  const parsed = lines.map((line) => JSON.parse(line) as Line)
  return parsed.slice(parsed.findIndex(({ msg }) => msg === 'listening') + 1)
}

const countOf = (lines: readonly Line[], msg: string): number =>
  lines.filter((line) => line.msg === msg).length

test('an outage of the store writes two lines, however many calls fail', async (t) => {
  const target = await startTarget()
  t.after(() => target.end())
  const rename = (from: string, to: string): void => {
    for (const end of ['', '-wal', '-shm'])
      renameSync(join(target.dataDir, `${from}${end}`), join(target.dataDir, `${to}${end}`))
  }
  rename('usher.db', 'gone.db')
  const responses = await Promise.all(Array.from({ length: 300 }, () => create(target, newUser())))
  assert.ok(responses.every(({ status }) => status === 503))
  for (let i = 0; i < 20; i++) assert.equal((await fetch(`${target.url}/readyz`)).status, 503)
  rename('gone.db', 'usher.db')
  await waitUntil(async () => countOf(linesOf(target), 'the store is available again') === 1, 20_000)
  const lines = linesOf(target)
  assert.deepEqual(
    lines.filter(({ level }) => level >= 40).map(({ msg }) => msg),
    ['the store is not available'],
  )
  const ended = lines.find(({ msg }) => msg === 'the store is available again')
  assert.ok((ended?.failures ?? 0) >= 300, `${ended?.failures} failures are counted`)
  assert.ok(target.log().length < 10_000)
})

test('while the store accepts no writes, secrets are read, and the log counts the missing entries', async (t) => {
  const target = await startTarget()
  t.after(() => target.end())
  const { tenant_id } = await newTenant(target)
  const user = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  const [before] = (await listCredentials(target, user)).items
  const db = new DatabaseSync(join(target.dataDir, 'usher.db'))
  db.exec('BEGIN IMMEDIATE')
  const pages = await Promise.all([1, 2, 3].map(() => listCredentials(target, user)))
  db.exec('ROLLBACK')
  db.close()
  for (const { items } of pages) assert.equal(items[0]?.secret_key, before?.secret_key)
  const ended = 'reads of secrets leave audit entries again'
  await waitUntil(async () => countOf(linesOf(target), ended) === 1, 20_000)
  assert.equal(linesOf(target).find(({ msg }) => msg === ended)?.failures, 3)
  assert.equal(countOf(linesOf(target), 'secrets are read without audit entries'), 1)
})
