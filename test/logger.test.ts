import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { newLogger } from '../src/logger.ts'
import { waitUntil } from '../testing/wait.ts'

const FORGED = '\u001b[2Jforged\nusher: all is well\u009b31m\u202e'

const COLOUR = new RegExp(`${'\u001b'}\\[\\d+m`, 'g')

/** Logs a text in a field, in a message and in an error, and returns what is in the log. */
async function log(isTTY: boolean): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-log-'))
  const file = join(folder, 'log')
  const fd = openSync(file, 'w')
  try {
    const logger = await newLogger('info', { fd, isTTY, write: () => assert.fail('it has a descriptor') })
    logger.info({ name: FORGED, err: new Error(FORGED) }, FORGED)
    logger.info('end')
    await waitUntil(async () => readFileSync(file, 'utf8').includes('end'), 5_000)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(fd)
    rmSync(folder, { recursive: true, force: true })
  }
}

test('the log on a terminal shows escapes for what a terminal would obey, and keeps the lines of stacks', async () => {
  const text = await log(true)
  // The colours are our own.
  const plain = text.replaceAll(COLOUR, '').replaceAll('\n', '')
  assert.doesNotMatch(plain, /[\p{Cc}\p{Cf}]/u)
  assert.doesNotMatch(text, /^usher: all is well/m)
  assert.match(text, /\\u001b\[2Jforged\\nusher: all is well\\u009b31m\\u202e/)
  assert.match(text, /^ +at /m)
})

test('the log of JSON lines has escapes in its strings, and the same values', async () => {
  const text = await log(false)
  assert.match(text, /^[\n -~]*$/)
  const [line = ''] = text.split('\n')
  const { name, msg, err } = JSON.parse(line)
  assert.deepEqual([name, msg, err.message], [FORGED, FORGED, FORGED])
})
