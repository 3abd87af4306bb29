import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import { masterKeyId } from '../../src/directory/sealing/sealer.ts'
import { newCreates, prepareCreates } from '../../testing/creates.ts'
import { programEnvironment } from '../../testing/environment.ts'
import { serveHere } from '../../testing/target.ts'
import {
  type Ended,
  initialise,
  newCollector,
  newDataDir,
  type Settings,
  usherJson,
} from '../../testing/usher.ts'
import { queryStore } from '../support/stored.ts'

/** Sets up a directory with a signing key and one credential; no server runs on it. */
async function newDirectory(t: TestContext): Promise<{ path: string; file: string }> {
  const { path, remove } = newDataDir()
  t.after(remove)
  const init = await initialise(path)
  const served = await serveHere(path)
  t.after(() => served.stop())
  const creates = newCreates(served.url, { init, ...(await prepareCreates(served.url, init)) })
  assert.equal((await creates.osis('ada')).status, 201)
  await served.stop()
  return { path, file: join(path, 'master.key') }
}

/**
 * Runs `usher key rotate` without the time that it gives servers to notice the new key.
 * @param pause runs in place of that time
 */
async function rotate(
  path: string,
  args: readonly string[] = [],
  { settings = {}, pause = async () => undefined }: { settings?: Settings; pause?: () => Promise<void> } = {},
): Promise<Ended> {
  const [stdout, stderr] = [newCollector(), newCollector()]
  const env = await programEnvironment(path, settings)
  const code = await runCli(['key', 'rotate', ...args], env, { stdout, stderr, pause })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

function readLines(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split('\n')
}

function idOf(line: string | undefined): string {
  return masterKeyId(Buffer.from(line ?? '', 'base64'))
}

/** Asserts that no output shows a key. */
function assertDiscreet({ stdout, stderr }: Ended, lines: readonly string[]): void {
  for (const line of lines) assert.ok(!`${stdout}${stderr}`.includes(line.slice(0, 12)))
}

describe('usher key rotate', { concurrency: true }, () => {
  test('puts a new key in place of the old one, names it, and is audited', async (t) => {
    const { path, file } = await newDirectory(t)
    const [old = ''] = readLines(file)
    const ended = await rotate(path)
    assert.deepEqual([ended.code, ended.stderr], [0, ''])
    const lines = readLines(file)
    assert.equal(lines.length, 1)
    assert.notEqual(lines[0], old)
    const id = idOf(lines[0])
    const text = `Sealed 3 secrets with the master key ${id}. It opens all 3 secrets. It is now the only key in the file.\n`
    assert.equal(ended.stdout, text)
    assertDiscreet(ended, [old, ...lines])
    const entries = await usherJson<{ outcome: string; caller: string; target: string }[]>(path, [
      ...['audit', 'list', '--operation', 'RotateKey'],
    ])
    assert.deepEqual(
      entries.map(({ outcome, caller, target }) => [outcome, caller, target]),
      [
        ['resealed', 'operator', id],
        ['begun', 'operator', id],
      ],
    )
  })

  test('continues with the first of several keys, and creates no other', async (t) => {
    const { path, file } = await newDirectory(t)
    const next = randomBytes(32).toString('base64')
    writeFileSync(file, `${next}\n${readFileSync(file, 'utf8')}`)
    const { stdout } = await rotate(path, ['--json'])
    assert.deepEqual(JSON.parse(stdout), { key: idOf(next), resealed: 3, checked: 3, unopened: [] })
    assert.deepEqual(readLines(file), [next])
  })

  test('names a secret that no key opens, ends with 1, and keeps the old key', async (t) => {
    const { path, file } = await newDirectory(t)
    const [old] = readLines(file)
    await queryStore(path, "UPDATE credentials SET sealed_secret = '1.damaged.x'")
    const { code, stdout } = await rotate(path, ['--json'])
    assert.equal(code, 1)
    const { key, resealed, checked, unopened } = JSON.parse(stdout)
    assert.deepEqual([resealed, checked, unopened.length], [2, 3, 1])
    assert.match(unopened[0], /^credential:[A-Z0-9]{20}$/)
    const lines = readLines(file)
    assert.deepEqual([idOf(lines[0]), lines[1], lines.length], [key, old, 2])
  })

  test('with --reseal-only touches no file', async (t) => {
    const { path, file } = await newDirectory(t)
    const next = randomBytes(32).toString('base64')
    const text = `${next}\n${readFileSync(file, 'utf8')}`
    writeFileSync(file, text)
    const ended = await rotate(path, ['--reseal-only'])
    assert.deepEqual([ended.code, ended.stderr], [0, ''])
    assert.match(
      ended.stdout,
      /^Sealed 3 secrets with .*\. It opens all 3 secrets\. The other keys are no longer needed\.$/m,
    )
    assertDiscreet(ended, text.trim().split('\n'))
    assert.equal(readFileSync(file, 'utf8'), text)
  })

  test('is refused while another rotation runs', async (t) => {
    const { path, file } = await newDirectory(t)
    const keys: number[] = []
    let second: Ended | undefined
    const first = await rotate(path, [], {
      async pause() {
        keys.push(readLines(file).length)
        second = await rotate(path)
      },
    })
    assert.deepEqual([first.code, second?.code], [0, 1])
    assert.match(second?.stderr ?? '', /^usher: another process is rotating the master key in .*\n$/)
    assert.deepEqual([...keys, readLines(file).length], [2, 1])
  })

  test('is refused if the key is a setting', async (t) => {
    const { path, file } = await newDirectory(t)
    const [old = ''] = readLines(file)
    const ended = await rotate(path, [], { settings: { USHER_MASTER_KEY: old } })
    assert.deepEqual([ended.code, ended.stdout], [1, ''])
    assert.match(ended.stderr, /^usher: USHER_MASTER_KEY is set, [^\n]+\n$/)
    assertDiscreet(ended, [old])
    assert.deepEqual(readLines(file), [old])
  })
})
