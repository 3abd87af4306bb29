import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkText, countCodePoints, isStorable } from '../../src/model/text.ts'
import { anyCharacter } from '../support/characters.ts'

/** Returns the rules that a text breaks. */
function rules(text: string | null, options?: { min?: number }): string[] {
  return checkText('name', text, options).map((issue) => issue.rule)
}

const UNITS = { 'a letter': 'a', 'a letter of two octets': 'ä', 'an astral letter': '𐐀', 'an emoji': '😀' }

for (const [name, unit] of Object.entries(UNITS)) {
  test(`255 times ${name} pass, 256 do not`, () => {
    assert.deepEqual(rules(unit.repeat(255)), [])
    assert.deepEqual(rules(unit.repeat(256)), ['maxLength'])
  })
}

test('any 255 code points pass, and 256 never do', () => {
  const points = (length: number): fc.Arbitrary<string> =>
    fc
      .array(
        fc.integer({ min: 1, max: 0x10ffff }).filter((point) => point < 0xd800 || point > 0xdfff),
        {
          minLength: length,
          maxLength: length,
        },
      )
      .map((list) => String.fromCodePoint(...list))
  fc.assert(fc.property(points(255), (text) => assert.deepEqual(rules(text), [])))
  fc.assert(fc.property(points(256), (text) => assert.deepEqual(rules(text), ['maxLength'])))
})

test('the issue of a text that is too long names its path and says how long it is', () => {
  const [issue] = checkText('firstName', '😀'.repeat(300))
  assert.equal(issue?.path, 'firstName')
  assert.match(issue?.message ?? '', /255.*300/)
})

test('U+0000 is refused at any position', () => {
  for (const text of ['\u0000', 'a\u0000', '\u0000a', 'a\u0000b']) assert.deepEqual(rules(text), ['text'])
})

test('a lone surrogate is refused, a pair is not', () => {
  for (const text of ['\ud800', '\udc00', 'a\ud83d', '\ude00a', '\ude00\ud83d', '\ud83d\ud83d\ude00']) {
    assert.deepEqual(rules(text), ['text'])
    assert.equal(isStorable(text), false)
  }
  assert.deepEqual(rules('\ud83d\ude00'), [])
})

test('one text can break several rules', () => {
  assert.deepEqual(rules('\u0000'.repeat(256)), ['maxLength', 'text'])
})

test('null passes, and so does the empty text unless a minimum is asked for', () => {
  assert.deepEqual(rules(null), [])
  assert.deepEqual(rules(null, { min: 1 }), [])
  assert.deepEqual(rules(''), [])
  assert.deepEqual(rules('', { min: 1 }), ['minLength'])
  assert.deepEqual(rules('a', { min: 1 }), [])
})

test('code points are counted like iteration counts them', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      assert.equal(countCodePoints(text), [...text].length)
    }),
  )
})

test('a text is storable exactly when it survives UTF-8 and holds no U+0000', () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  fc.assert(
    fc.property(units, (list) => {
      const text = String.fromCharCode(...list)
      const survives = Buffer.from(text, 'utf8').toString('utf8') === text
      assert.equal(isStorable(text), survives && !list.includes(0))
    }),
    { numRuns: 1_000 },
  )
})
