import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type DatabaseServer, useServer } from '../../testing/environment.ts'
import { FULL_LENGTH, rounds } from '../../testing/full-length.ts'
import { type ProcessTarget, startProcess } from '../../testing/target.ts'
import { newDataDir, serve, usherJson } from '../../testing/usher.ts'
import { onServer } from '../support/postgres.ts'
import { assertNoErrors, openWith, type Watch, watchSecrets } from '../support/secrets.ts'
import { killedRotationSuite, rotationSuite, settingRotationSuite } from './key-rotation.suite.ts'

interface Resealed {
  readonly resealed: number
  readonly unopened: readonly string[]
}

/** Two nodes over one database, on which credentials are created and read until the watch ends. */
interface Nodes {
  readonly url: string
  readonly targets: readonly [ProcessTarget, ProcessTarget]
  readonly watch: Watch
}

/** @param fileOf returns the master key file of the second node, given that of the first */
async function startNodes(
  t: TestContext,
  server: DatabaseServer,
  fileOf: (first: string, dataDir: string) => string,
): Promise<Nodes> {
  const url = await server.createDatabase()
  const settings = { USHER_DATABASE_URL: url, USHER_PUBLIC_URL: 'https://usher.example' }
  const first = await startProcess(settings)
  t.after(() => first.end())
  const { path: dataDir, remove } = newDataDir()
  const own = { ...settings, USHER_MASTER_KEY_FILE: fileOf(keyFile(first), dataDir) }
  const served = await serve(dataDir, { settings: own })
  t.after(async () => {
    await served.stop()
    remove()
  })
  const cli = <T>(...args: string[]): Promise<T> => usherJson<T>(dataDir, args, own)
  const second = { ...first, ...served, dataDir, cli }
  const watch = await watchSecrets([first, second])
  await watch.add(50)
  watch.begin('both')
  return { url, targets: [first, second], watch }
}

function keyFile({ dataDir }: ProcessTarget): string {
  return join(dataDir, 'master.key')
}

async function assertRotated({ url, targets, watch }: Nodes, old: string): Promise<void> {
  const [key = '', ...others] = readFileSync(keyFile(targets[0]), 'utf8').trim().split('\n')
  assert.deepEqual(others, [])
  for (const target of targets) {
    await watch.check(target)
    assertNoErrors(target.log())
  }
  const { checked, unopened } = await openWith(url, key)
  assert.deepEqual(unopened, [])
  assert.ok(checked > watch.size)
  assert.equal((await openWith(url, old)).unopened.length, checked)
}

/** Two nodes over one database, under creates and reads. */
function twoNodesSuite(server: DatabaseServer): void {
  test('two nodes that share a file are rotated by one command', async (t) => {
    const nodes = await startNodes(t, server, (first) => first)
    const old = readFileSync(keyFile(nodes.targets[0]), 'utf8').trim()
    const { unopened } = await nodes.targets[0].cli<Resealed>('key', 'rotate')
    await nodes.watch.end()
    assert.deepEqual(unopened, [])
    await assertRotated(nodes, old)
  })

  test('two nodes that have a file each: the new key is given to open, then to seal, and the old one taken away', async (t) => {
    const nodes = await startNodes(t, server, (first, dataDir) => {
      copyFileSync(first, join(dataDir, 'master.key'))
      return join(dataDir, 'master.key')
    })
    const { targets, watch } = nodes
    const old = readFileSync(keyFile(targets[0]), 'utf8').trim()
    const next = randomBytes(32).toString('base64')
    const giveAll = (...keys: string[]): void => {
      for (const target of targets) {
        writeFileSync(`${keyFile(target)}.mine`, keys.join('\n'), { mode: 0o600 })
        renameSync(`${keyFile(target)}.mine`, keyFile(target))
      }
    }
    giveAll(old, next)
    giveAll(next, old)
    const { unopened, resealed } = await targets[1].cli<Resealed>('key', 'rotate', '--reseal-only')
    assert.deepEqual(unopened, [])
    assert.ok(resealed > 50)
    giveAll(next)
    await watch.end()
    await assertRotated(nodes, old)
  })
}

// By default only what depends on the engine: how long a rotation waits for open units, and what a kill leaves behind.
// The tests mostly wait.
await onServer(
  'rotating the master key on PostgreSQL',
  (server) => {
    useServer(server)
    twoNodesSuite(server)
    rotationSuite(FULL_LENGTH ? ['both', 'creates', 'reads'] : ['creates'])
    killedRotationSuite(rounds(2, 4))
    if (FULL_LENGTH) settingRotationSuite()
  },
  { concurrency: true },
)
