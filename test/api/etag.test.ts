import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromIfMatch, IF_MATCH, MAX_IF_MATCH, toEtag } from '../../src/api/etag.ts'
import { assertState, toState } from '../../src/model/versions.ts'

const ada = { id: '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d', version: 7 }
const state = toState(ada)

test('the ETag of an object changes with its version, and differs from that of any other object', () => {
  const others = [
    { ...ada, version: 8 },
    { ...ada, id: ada.id.replace('0', '1') },
  ]
  assert.match(toEtag(ada), /^"[!-~]+"$/)
  for (const other of others) assert.notEqual(toEtag(other), toEtag(ada))
})

test('If-Match lists the states of which one must be there', () => {
  assert.deepEqual(fromIfMatch(toEtag(ada)), [state])
  assert.deepEqual(fromIfMatch(`"a" ,, "b,c",W/"d"`), ['a', 'b,c'])
  assert.deepEqual(fromIfMatch('W/"a"'), [])
  for (const any of [undefined, '*']) assert.equal(fromIfMatch(any), undefined)
})

test('a change is made only in one of the states that it is for', () => {
  for (const expected of [undefined, [state], ['a', state]]) assertState(ada, expected)
  for (const expected of [[], ['7'], [toState({ ...ada, version: 8 })]])
    assert.throws(() => assertState(ada, expected), { code: 'precondition_failed' })
})

test('anything but * and a list of entity tags is no If-Match', () => {
  const pattern = new RegExp(IF_MATCH, 'u')
  for (const right of ['*', '"a"', 'W/"a"', '"a","b"', ', "a" , ,"b",', '""', '"ü"'])
    assert.ok(pattern.test(right), right)
  for (const wrong of ['', 'a', '"a', '"a" "b"', '*, "a"', 'w/"a"', "'a'", ',', '"a"b'])
    assert.ok(!pattern.test(wrong), wrong)
  const started = performance.now()
  for (const wrong of [' ', ',', ' ,', '"a",', '"a" '])
    assert.ok(!pattern.test(`${wrong.repeat(MAX_IF_MATCH / wrong.length)}x`))
  assert.ok(performance.now() - started < 200)
})
