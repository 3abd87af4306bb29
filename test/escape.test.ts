import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeDecoded, escapeJson, escapeLine } from '../src/escape.ts'

/** One character of each kind that can forge or hide text, and what is shown for it. */
const UNSAFE: readonly (readonly [kind: string, character: string, shown: string])[] = [
  ['a line break', '\n', '\\n'],
  ['a carriage return', '\r', '\\r'],
  ['a tab', '\t', '\\t'],
  ['NUL', '\0', '\\u0000'],
  ['a backspace', '\b', '\\u0008'],
  ['the beginning of an escape sequence', '\u001b', '\\u001b'],
  ['DEL', '\u007f', '\\u007f'],
  ['the beginning of an escape sequence in C1', '\u009b', '\\u009b'],
  ['a line break in C1', '\u0085', '\\u0085'],
  ['a line separator', '\u2028', '\\u2028'],
  ['a paragraph separator', '\u2029', '\\u2029'],
  ['a right-to-left override', '\u202e', '\\u202e'],
  ['an isolate', '\u2066', '\\u2066'],
  ['an Arabic letter mark', '\u061c', '\\u061c'],
  ['a zero-width space', '\u200b', '\\u200b'],
  ['a byte-order mark', '\ufeff', '\\ufeff'],
  ['a soft hyphen', '\u00ad', '\\u00ad'],
  ['a Hangul filler', '\u3164', '\\u3164'],
  ['a tag', '\u{e0041}', '\\udb40\\udc41'],
  ['a lone surrogate', '\ud800', '\\ud800'],
]

for (const [kind, character, shown] of UNSAFE) {
  test(`${kind} is shown as ${shown}`, () => {
    assert.equal(escapeLine(`a${character}b`), `a${shown}b`)
    const json = escapeJson(JSON.stringify({ name: `a${character}b` }))
    assert.deepEqual(JSON.parse(json), { name: `a${character}b` })
    assert.match(json, /^[ -~]*$/)
  })
}

test('ordinary text of all scripts stays as it is', () => {
  for (const text of ['Ada O’Neil-Łuk', '山田　太郎', 'Zoe\u0308', '안녕', '😀', 'C:\\new', 'שלום', ''])
    assert.equal(escapeLine(text), text)
})

const anyText = fc.string({ unit: 'binary' })

test('a line of any text is one line, and escaping it again changes nothing', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const line = escapeLine(text)
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      assert.equal(escapeLine(line), line)
    }),
  )
})

test('JSON of any text stands for the same text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.deepEqual(JSON.parse(escapeJson(JSON.stringify([text], null, 2))), [text])
    }),
  )
})

test('JSON that is decoded shows what a line shows', () => {
  const texts = fc.oneof(
    anyText,
    fc.string({ unit: fc.constantFrom('\\', 'n', '\n', 'u', '0', '"', '\u001b') }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const [decoded] = JSON.parse(escapeDecoded(JSON.stringify([text])))
      const named: string = decoded.replaceAll('\\b', '\\u0008').replaceAll('\\f', '\\u000c')
      assert.equal(named, escapeLine(text).replaceAll('\\b', '\\u0008').replaceAll('\\f', '\\u000c'))
    }),
  )
})

test('the lines of a stack stay, and a line break in its message does not', () => {
  const stack = 'Error: forged\nusher: all is well\n    at one (file.ts:1:2)\n    at two (file.ts:3:4)'
  const decoded = JSON.parse(escapeDecoded(JSON.stringify(stack)))
  assert.deepEqual(decoded.split('\n'), [
    'Error: forged\\nusher: all is well',
    '    at one (file.ts:1:2)',
    '    at two (file.ts:3:4)',
  ])
})
