import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { FULL_LENGTH } from '../testing/full-length.ts'
import { newDataDir } from '../testing/usher.ts'

const TABLE = join(import.meta.dirname, '../bench/table.ts')
const LIMIT_MS = 300_000

interface Line {
  readonly what: string
  readonly measured: string
  readonly how: string
}

/** Runs rows of the table of bars for a moment. Returns their lines. */
async function runBench(only: string): Promise<readonly Line[]> {
  const { path, remove } = newDataDir()
  try {
    const args = [TABLE, '--smoke', '--json', '--directory', path, '--only', only]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: LIMIT_MS })
    return JSON.parse(stdout) as Line[]
  } finally {
    remove()
  }
}

suite('npm run bench', { concurrency: true, skip: process.platform !== 'linux' && 'it reads /proc' }, () => {
  test('measures creates', async () => {
    const lines = await runBench('creates')
    assert.deepEqual(
      lines.map(({ what }) => what),
      [
        'create / bare node:http, 50 users',
        'create at 100 users / at 50',
        'p99 of a create at that rate',
        'CPU of one create',
        'p99 of a create at half that rate',
      ],
    )
    for (const { what, measured } of lines) assert.match(measured, /^\d/, what)
  })

  // Each of these starts servers of its own.
  for (const row of ['checkpoints', 'lists', 'deletion', 'postgres', 'start'])
    test(`measures ${row}`, { skip: !FULL_LENGTH && 'only at full length' }, async () => {
      const lines = await runBench(row)
      assert.ok(lines.length > 0)
      for (const { what, measured, how } of lines)
        assert.match(measured, /^\d|nothing|skipped/, `${what}: ${how}`)
    })

  test('refuses a row that does not exist, and names those that do', async () => {
    await assert.rejects(runBench('nothing'), /there is no nothing; there are creates, checkpoints/)
  })
})
