import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { CURL_LINES } from '../../src/cli/init.ts'
import { newDataDir, serve } from '../../testing/usher.ts'

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')

test('the README has the lines that the first start prints', () => {
  assert.ok(README.includes(CURL_LINES.join('\n')))
})

test('a new user who pastes what the first start prints, and then the lines of the README, gets two times 201', async (t) => {
  const { path, remove } = newDataDir()
  const usher = await serve(path)
  t.after(async () => {
    await usher.stop()
    remove()
  })
  const variables = usher
    .stdout()
    .split('\n')
    .filter((line) => /^[A-Z_]+=/.test(line))
  const script = [...variables, ...CURL_LINES].join('\n')
  const { stdout } = await promisify(execFile)('sh', ['-c', script])
  assert.deepEqual(stdout.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 201', 'HTTP/1.1 201'])
})
