import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { programEnvironment } from '../../testing/environment.ts'
import { FULL_LENGTH, rounds } from '../../testing/full-length.ts'
import { getToken, type Init, initialise, newDataDir, serve } from '../../testing/usher.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

/** 20 at full length: half of them alone, half of them next to a server of the same store. */
const [ROUNDS, SERVED_ROUNDS] = [rounds(1, 10), rounds(0, 10)]
/** An import that is killed again and again would not end on a slow machine. */
const MOST_KILLS = 3
const MAIN = join(import.meta.dirname, '../../src/main.js')
/** More than one commit takes. */
const ROWS = 22_000
/** A server that creates users next to an import slows it. */
const SERVED_ROWS = 4_000

interface Ended {
  readonly code: number | null
  readonly stdout: string
}

/** Runs an import in a process of its own; kills it after some milliseconds, if given. */
async function importIn(dataDir: string, args: readonly string[], killAfterMs?: number): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, 'user', 'import', ...args, '--json'], {
    env: await programEnvironment(dataDir, {}),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  if (killAfterMs !== undefined) void pause(killAfterMs).then(() => child.kill('SIGKILL'))
  return { code: await exit, stdout }
}

function writeRows(file: string, domain: string, count: number): void {
  const lines = Array.from(
    { length: count },
    (_, i) => `First ${(i * 7919) % count},Last,p${i}@${domain},Viewer`,
  )
  writeFileSync(file, ['firstName,lastName,email,groups', ...lines].join('\n'))
}

describe(`${ROUNDS + SERVED_ROUNDS} imports are killed, and every row is there exactly once`, {
  concurrency: true,
}, () => {
  test(`${ROUNDS} alone`, () => killImports(ROUNDS, ROWS))
  const skip = SERVED_ROUNDS === 0 && 'runs at full length only'
  test(`${SERVED_ROUNDS} beside a server that creates users`, { skip }, () =>
    killImports(SERVED_ROUNDS, SERVED_ROWS, serve),
  )
})

/** Kills imports into one store, and continues each until it ends. */
async function killImports(times: number, count: number, start?: typeof serve): Promise<void> {
  const { path, remove } = newDataDir()
  const init = await initialise(path)
  const file = join(path, 'people.csv')
  const served = await start?.(path)
  let kills = 0
  try {
    for (let round = 0; round < times; round++) {
      const domain = `round${round}.example`
      writeRows(file, domain, count)
      const creating = served && createSome(served.url, init, domain)
      const { killed, ...ended } = await importWithKills(path, [file, '--organization', init.customer.id])
      kills += killed
      await creating
      assert.equal(ended.code, 0)
      const summary = JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
      // A process that was killed at its very end had finished its import: the next one begins another.
      const finished = summary.unchanged === count
      assert.deepEqual([summary.ended, finished ? count : summary.created], [true, count])
      await checkRound(path, domain, count)
    }
    const { faults, unsealed } = await verifyStore(path)
    assert.deepEqual([faults, unsealed], [[], 0])
    assert.ok(!FULL_LENGTH || kills > 0, 'no import was killed before its end')
  } finally {
    await served?.stop()
    remove()
  }
}

/** Runs an import until it ends; kills it a few times before. Returns how often. */
async function importWithKills(
  dataDir: string,
  args: readonly string[],
): Promise<Ended & { readonly killed: number }> {
  let killed = 0
  for (;;) {
    const killAfterMs = 500 + Math.random() * (killed === 0 ? 700 : 2_500)
    const ended = await importIn(dataDir, args, killed < MOST_KILLS ? killAfterMs : undefined)
    if (ended.code !== null) return { ...ended, killed }
    killed++
  }
}

/** Creates users through the portal while an import writes; each call must get a response. */
async function createSome(url: string, init: Init, domain: string): Promise<void> {
  const token = await getToken(url, init.clients.administrator)
  for (let i = 0; i < 20; i++) {
    const response = await fetch(`${url}/v1/customer/${init.customer.id}/users`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-tenant': init.portal,
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ firstName: null, lastName: null, email: `q${i}@${domain}`, groups: [] }),
    })
    assert.equal(response.status, 201)
  }
}

/** Asserts that each row is one user with one membership and one entry, and in a change set. */
async function checkRound(path: string, domain: string, count: number): Promise<void> {
  const [row] = await queryStore(
    path,
    `select count(*) as users, count(distinct u.email_key) as emails,
       (select count(*) from memberships m where m.user_pk in (select pk from users where email like 'p%@${domain}')) as memberships,
       (select count(distinct i.user_pk) from import_users i where i.user_pk in (select pk from users where email like 'p%@${domain}')) as changes,
       (select count(*) from audit_entries a where a.target in (select id from users where email like 'p%@${domain}')) as entries
     from users u where u.email like 'p%@${domain}'`,
  )
  assert.deepEqual(
    { ...row },
    { users: count, emails: count, memberships: count, changes: count, entries: count },
  )
}
