import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newDataDir, runUsher } from '../../testing/usher.ts'

const WRONG: readonly (readonly [document: unknown, message: RegExp])[] = [
  ['{', /must hold JSON/],
  [[], /exclusions/],
  [{}, /exclusions/],
  [{ exclusions: {} }, /at least one call/],
  [{ exclusions: { GetObject: { all: true } } }, /snake case/],
  [{ exclusions: { get_object: true } }, /must be an object/],
  [{ exclusions: { get_object: { all: 'true' } } }, /all must be true or false/],
  [{ exclusions: { get_object: { by_params: 'x' } } }, /list of texts/],
  [{ exclusions: { get_object: { by_query: [] } } }, /by_query is not a member/],
]

test('a wrong document of capabilities ends the start with one clear message', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const cases = WRONG.map(([document, message], i) => {
    const file = join(path, `${i}.json`)
    writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document))
    return [file, message] as const
  })
  for (const [file, message] of [...cases, [join(path, 'none'), /no such file/] as const]) {
    const { code, stderr } = await runUsher(path, ['serve'], { USHER_OSIS_S3_CAPABILITIES: file })
    assert.equal(code, 1)
    assert.match(stderr, /^usher: USHER_OSIS_S3_CAPABILITIES/)
    assert.match(stderr, message)
  }
})
