import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { programEnvironment } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { getToken, type Init, initialise, newDataDir, serve } from '../../testing/usher.ts'
import { queryStore, verifyStore } from '../support/stored.ts'

const ROUNDS = rounds(1, 20)
const MAIN = join(import.meta.dirname, '../../src/main.js')
/** More than one commit takes. */
const ROWS = rounds(22_000, 25_000)

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

test(`${ROUNDS} times killed during imports, also beside a server, every row is there exactly once`, async () => {
  const { path, remove } = newDataDir()
  const init = await initialise(path)
  const file = join(path, 'people.csv')
  let served: Awaited<ReturnType<typeof serve>> | undefined
  try {
    for (let round = 0; round < ROUNDS; round++) {
      // Every second round a server serves the same file, and creates users meanwhile.
      const count = round % 2 === 1 ? 1_500 : ROWS
      if (round % 2 === 1) served ??= await serve(path)
      else if (served) {
        await served.stop()
        served = undefined
      }
      const domain = `round${round}.example`
      writeRows(file, domain, count)
      const args = [file, '--organization', init.customer.id]
      const creating = served && createSome(served.url, init, domain)
      let ended = await importIn(path, args, 500 + Math.random() * 900)
      while (ended.code === null) ended = await importIn(path, args, 700 + Math.random() * 2_500)
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
  } finally {
    await served?.stop()
    remove()
  }
})

/** Creates users through the portal while an import writes; each call must be answered. */
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
