import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CallerName } from '../../src/model/context.ts'
import { formatCaller, parseCaller } from '../../src/store/audit/entry-rows.ts'

const CALLERS: readonly (readonly [CallerName, text: string])[] = [
  [{ kind: 'operator' }, 'operator'],
  [{ kind: 'client', id: '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d' }, '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d'],
  [{ kind: 'person', id: '0192f7c4' }, 'person:0192f7c4'],
]

for (const [caller, text] of CALLERS) {
  test(`the ${caller.kind} is written as ${text}, and read back`, () => {
    assert.equal(formatCaller(caller), text)
    assert.deepEqual(parseCaller(text), caller)
  })
}

test('any text, also a forged one, is restored by parsing and formatting it', () => {
  const texts = fc.oneof(fc.string(), fc.constantFrom('operator', 'person:', 'person:operator'))
  fc.assert(fc.property(texts, (text) => assert.equal(formatCaller(parseCaller(text)), text)))
})
