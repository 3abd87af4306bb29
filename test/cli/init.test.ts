import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { engine } from '../../testing/environment.ts'
import { type Init, newDataDir, runUsher, serve, usherJson } from '../../testing/usher.ts'
import { queryStore, readStored, sealStore } from '../support/stored.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Runs work with a new, empty directory, and deletes it. */
async function inNewDir(work: (path: string) => Promise<void>): Promise<void> {
  const { path, remove } = newDataDir()
  try {
    await work(path)
  } finally {
    remove()
  }
}

/** Returns an object with each id and each secret replaced by the word for its form. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shapeOf(one)]))
  if (typeof value !== 'string') return value
  if (UUID.test(value)) return 'uuid'
  if (/^\/console\/enter#[A-Za-z0-9_-]{43}$/.test(value)) return 'link'
  return /^[A-Za-z0-9_-]{43}$/.test(value) ? 'secret' : value
}

test('init --json prints the object that automation depends on, and nothing else', async () => {
  await inNewDir(async (path) => {
    const { code, stdout, stderr } = await runUsher(path, ['init', '--json'])
    assert.deepEqual([code, stderr], [0, ''])
    const client = { client_id: 'uuid', client_secret: 'secret' }
    assert.deepEqual(shapeOf(JSON.parse(stdout)), {
      provider: { id: 'uuid', name: 'My Cloud' },
      portal: 'localhost',
      groups: { Administrator: 'uuid', Viewer: 'uuid', 'Alert Manager': 'uuid' },
      reseller: { id: 'uuid' },
      customer: { id: 'uuid' },
      clients: { administrator: client, osis: client },
      console: { link: 'link' },
    })
  })
})

test('a second init is refused, and changes nothing', async () => {
  await inNewDir(async (path) => {
    await usherJson(path, ['init'])
    const before = await usherJson(path, ['organization', 'list'])
    const { code, stdout, stderr } = await runUsher(path, ['init', '--json'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.equal(
      stderr,
      'usher: The directory has been set up already. usher status shows its ids; usher client add makes a client with a new secret.\n',
    )
    assert.deepEqual(await usherJson(path, ['organization', 'list']), before)
  })
})

const SECRETS: readonly string[] = ['client_secret', 'console']

/** Returns an object without its secrets. */
function withoutSecrets(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, one) => (SECRETS.includes(name) ? undefined : one)))
}

test('status prints what init printed, without the secrets', async () => {
  await inNewDir(async (path) => {
    const { code, stdout } = await runUsher(path, ['init'])
    assert.equal(code, 0)
    const variables = stdout.split('\n').filter((line) => /^[A-Z_]+=/.test(line) && !/SECRET/.test(line))
    const status = await runUsher(path, ['status'])
    assert.deepEqual([status.code, status.stderr], [0, ''])
    const [provider, ...others] = status.stdout.trimEnd().split('\n')
    assert.match(provider ?? '', /^PROVIDER=/)
    assert.deepEqual(others, variables)
  })
  for (const words of [['init'], ['init', '--no-example', '--portal', 'w7.example']])
    await inNewDir(async (path) => {
      const init = await usherJson<Init>(path, words)
      assert.deepEqual(await usherJson(path, ['status']), withoutSecrets(init))
    })
})

test('status follows what was removed and added since init', async () => {
  await inNewDir(async (path) => {
    const { console: _, ...init } = await usherJson<Init>(path, ['init', '--no-example'])
    const words = ['--organization', init.provider.id, '--permission', 'osis', '--name', 'OSIS 2']
    const added = await usherJson<{ client_id: string }>(path, ['client', 'add', ...words])
    await usherJson(path, ['organization', 'add', '--kind', 'customer', '--name', 'Later'])
    for (const { client_id } of Object.values(init.clients))
      await usherJson(path, ['client', 'remove', client_id])
    await usherJson(path, ['portal', 'remove', 'localhost'])
    assert.deepEqual(await usherJson(path, ['status']), {
      ...init,
      portal: null,
      clients: { administrator: null, osis: { client_id: added.client_id } },
    })
    const { stdout } = await runUsher(path, ['status'])
    assert.doesNotMatch(stdout, /null|undefined|^PORTAL=|^CLIENT_ID=|^CUSTOMER=/m)
  })
})

test('group list shows the ids that init printed', async () => {
  await inNewDir(async (path) => {
    const { groups } = await usherJson<Init>(path, ['init'])
    const listed = await usherJson<{ id: string; name: string }[]>(path, ['group', 'list'])
    assert.deepEqual(Object.fromEntries(listed.map(({ id, name }) => [name, id])), groups)
    const { stdout } = await runUsher(path, ['group', 'list'])
    for (const [name, id] of Object.entries(groups)) assert.match(stdout, new RegExp(`^${id} +${name}$`, 'm'))
  })
})

test('--no-example leaves the example out', async () => {
  await inNewDir(async (path) => {
    const init = await usherJson<Record<string, unknown>>(path, ['init', '--no-example'])
    assert.deepEqual([init.reseller, init.customer], [null, null])
    assert.equal((await usherJson<[]>(path, ['organization', 'list'])).length, 1)
  })
})

test('the provider and its portal can be named', async () => {
  await inNewDir(async (path) => {
    const words = ['init', '--provider', 'Wolke 7', '--portal', 'Portal.Wolke7.Example']
    const init = await usherJson<Init>(path, words)
    assert.deepEqual([init.provider.name, init.portal], ['Wolke 7', 'portal.wolke7.example'])
  })
})

test('a wrong provider or portal is refused, and nothing is set up', async () => {
  await inNewDir(async (path) => {
    const { code, stdout, stderr } = await runUsher(path, ['init', '--provider', '', '--portal', 'http://x'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /--provider must not be empty; --portal must be a DNS name/)
    await usherJson(path, ['init'])
  })
})

test('the text of init holds the secrets once, and no curl lines without a server', async () => {
  await inNewDir(async (path) => {
    const { code, stdout } = await runUsher(path, ['init'])
    assert.equal(code, 0)
    for (const name of [
      'PORTAL',
      'CLIENT_ID',
      'CLIENT_SECRET',
      'OSIS_ID',
      'OSIS_SECRET',
      'CUSTOMER',
      'TENANT',
    ])
      assert.equal([...stdout.matchAll(new RegExp(`^${name}=.+$`, 'gm'))].length, 1)
    assert.doesNotMatch(stdout, /curl/)
  })
})

test('no secret of init is stored in plain text', async () => {
  await inNewDir(async (path) => {
    const init = await usherJson<Init>(path, ['init'])
    const bytes = await readStored(path)
    for (const { client_id, client_secret } of Object.values(init.clients)) {
      assert.ok(bytes.includes(client_id), 'not everything was looked at')
      assert.ok(!bytes.includes(client_secret))
    }
  })
})

test('the data directory is created for its owner alone', async () => {
  await inNewDir(async (path) => {
    const inner = join(path, 'a', 'b')
    await usherJson(inner, ['init'])
    assert.equal(statSync(inner).mode & 0o777, 0o700)
    assert.ok(existsSync(join(inner, 'master.key')))
    assert.equal(existsSync(join(inner, 'usher.db')), engine() === 'sqlite')
  })
})

test('a first start sets up what its options say, and prints lines to paste', async () => {
  await inNewDir(async (path) => {
    const served = await serve(path, { args: ['--provider', 'Wolke 7', '--portal', 'w7.example'] })
    assert.equal((await fetch(`${served.url}/healthz`)).status, 200)
    await served.stop()
    assert.match(served.stdout(), /Set up Wolke 7 with the portal w7\.example/)
    assert.match(served.stdout(), new RegExp(`^USHER=${served.url}$`, 'm'))
    assert.equal([...served.stdout().matchAll(/^curl /gm)].length, 2)
  })
})

test('a damaged audit log ends verify with 1, and names the entry', async () => {
  await inNewDir(async (path) => {
    await usherJson(path, ['init'])
    const [entry] = await usherJson<{ id: string }[]>(path, ['audit', 'list', '--operation', 'CreateTenant'])
    await sealStore(path)
    await queryStore(path, "UPDATE audit_entries SET caller = 'forged' WHERE id = ?", entry?.id ?? '')
    const text = await runUsher(path, ['audit', 'verify'])
    assert.equal(text.code, 1)
    assert.match(text.stdout, new RegExp(`entry ${entry?.id}: was changed after it was written`))
    const json = await runUsher(path, ['audit', 'verify', '--json'])
    assert.equal(json.code, 1)
    const verdict = JSON.parse(json.stdout) as { whole: boolean; faults: { entry: string; fault: string }[] }
    assert.equal(verdict.whole, false)
    assert.ok(verdict.faults.some(({ entry: id, fault }) => id === entry?.id && fault === 'changed'))
  })
})

test('an inserted entry without a block is reported', async () => {
  await inNewDir(async (path) => {
    await usherJson(path, ['init'])
    await sealStore(path)
    await queryStore(
      path,
      `INSERT INTO audit_entries (id, at, operation, status, outcome, caller, correlation_id, changed_fields)
       VALUES ('forged', '2026-11-22T08:00:00.000Z', 'CreateUser', 'Succeeded', 'created', 'c', 'x', '[]')`,
    )
    const { code, stdout } = await runUsher(path, ['audit', 'verify', '--json'])
    const { whole, unsealed } = JSON.parse(stdout) as { whole: boolean; unsealed: number }
    // An engine that seals entries after their commit counts such an entry as not sealed yet.
    const embedded = engine() === 'sqlite'
    assert.deepEqual([code, whole, unsealed], embedded ? [1, false, 1] : [0, true, 1])
  })
})
