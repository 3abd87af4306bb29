import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newDataDir, runUsher } from '../../testing/usher.ts'

test('a file of capabilities that is wrong or missing ends the start with one clear message', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const wrong = join(path, 'wrong.json')
  writeFileSync(wrong, '{"exclusions": {}}')
  for (const [file, message] of [
    [wrong, /exclusions must have at least 1 member/],
    [join(path, 'none'), /no such file/],
  ] as const) {
    const { code, stderr } = await runUsher(path, ['serve'], { USHER_OSIS_S3_CAPABILITIES: file })
    assert.equal(code, 1)
    assert.match(stderr, /^usher: USHER_OSIS_S3_CAPABILITIES/)
    assert.match(stderr, message)
  }
})
