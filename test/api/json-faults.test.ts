import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findDeepNesting, findJsonFault, findUtf8Fault } from '../../src/api/json-faults.ts'
import { rounds } from '../../testing/full-length.ts'

const RUNS = { numRuns: rounds(2_000, 20_000) }

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Returns the position in V8's message about a text that is not JSON, if it has one. */
function positionOfV8(text: string): number | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    const { message } = error as Error
    if (/^(Unexpected end|Unterminated string)/.test(message)) return text.length
    const found = / at position (\d+)/.exec(message)?.[1]
    return found === undefined ? undefined : Number(found)
  }
}

/** JSON with blanks, and with characters that mean something to JSON put in, taken out or replaced. */
const almostJson = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.constantFrom('', ' ', '\n', '\t\r '),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(2),
        fc.constantFrom(...'{}[]",:\\u0123456789abcdefEe+-. \n\ttrufalsn\u0000é🦉'),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([json, blank, changes]) => {
    let text = blank + json.replaceAll(',', `,${blank}`).replaceAll(':', `${blank}:`) + blank
    for (const [at, removed, added] of changes) {
      const i = at % (text.length + 1)
      text = text.slice(0, i) + added + text.slice(i + removed)
    }
    return text
  })

test('a fault is found exactly where JSON.parse refuses a text', () => {
  fc.assert(
    fc.property(fc.oneof(almostJson, fc.string(), fc.json()), (text) => {
      assert.equal(findJsonFault(text) === undefined, isJson(text), JSON.stringify(text))
    }),
    RUNS,
  )
})

test('the place is the one that V8 names, where it names one', () => {
  let named = 0
  fc.assert(
    fc.property(almostJson, (text) => {
      const position = positionOfV8(text)
      if (position === undefined) return
      named++
      assert.equal(findJsonFault(text), position, JSON.stringify(text))
    }),
    RUNS,
  )
  assert.ok(named > RUNS.numRuns / 4, `V8 named ${named}`)
})

test('up to the place the text is the beginning of JSON, and with one more character it is not', () => {
  fc.assert(
    fc.property(almostJson, (text) => {
      const at = findJsonFault(text)
      if (at === undefined) return
      const before = text.slice(0, at)
      const fault = findJsonFault(before)
      assert.ok(fault === undefined || fault === before.length, JSON.stringify(text))
      if (at < text.length) assert.equal(findJsonFault(text.slice(0, at + 1)), at, JSON.stringify(text))
    }),
    RUNS,
  )
})

const FAULTS: readonly (readonly [text: string, at: number])[] = [
  ['', 0],
  ['  ', 2],
  ['nan', 1],
  ['{"a":1,}', 7],
  ['[1,]', 3],
  ['{"a" 1}', 5],
  ["{'a':1}", 1],
  ['{"a":01}', 6],
  ['{"a":1.}', 7],
  ['{"a":"\\x"}', 7],
  ['{"a":"\\u12g4"}', 10],
  ['{"a":"\n"}', 6],
  ['{"a":1} x', 8],
  ['{"a":tru', 8],
  ['\u00a0{}', 0],
]

for (const [text, at] of FAULTS)
  test(`${JSON.stringify(text)} stops being JSON at ${at}`, () => assert.equal(findJsonFault(text), at))

test('a fault behind a million open brackets is found, without a deep stack', () => {
  assert.equal(findJsonFault(`${'['.repeat(1_000_000)}x`), 1_000_000)
})

test('the byte that is not UTF-8 is found', () => {
  assert.equal(findUtf8Fault(Buffer.from('{"a":"é🦉"}')), undefined)
  assert.equal(findUtf8Fault(Buffer.from([0x22, 0xff, 0x22])), 1)
  assert.equal(findUtf8Fault(Buffer.from([0x22, 0xc3])), 2, 'it ends in the middle of a character')
  assert.equal(findUtf8Fault(Buffer.from([0x22, 0xc3, 0x22])), 2)
  assert.equal(findUtf8Fault(Buffer.from([0xed, 0xa0, 0x80])), 1, 'a lone surrogate')
  const byte = fc.oneof(fc.constantFrom(0x22, 0xc3, 0xa9, 0xf0, 0x9f, 0xa6, 0x89), fc.nat(255))
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
      const text = Buffer.from(bytes)
      const fault = findUtf8Fault(text)
      const isRight = text.equals(Buffer.from(text.toString('utf8')))
      assert.equal(fault === undefined, isRight)
      if (fault === undefined || fault === text.length) return
      assert.ok((findUtf8Fault(text.subarray(0, fault)) ?? fault) === fault)
      assert.equal(findUtf8Fault(text.subarray(0, fault + 1)), fault)
    }),
    RUNS,
  )
})

test('nesting is counted outside of strings', () => {
  const nested = (levels: number): Buffer => Buffer.from('['.repeat(levels) + ']'.repeat(levels))
  assert.equal(findDeepNesting(nested(100), 100), undefined)
  assert.equal(findDeepNesting(nested(101), 100), 100)
  assert.equal(findDeepNesting(Buffer.from(`{"a\\"[[[":"${'['.repeat(1_000)}\\\\"}`), 1), undefined)
  assert.equal(findDeepNesting(Buffer.from('[[],[],[],{}]'), 2), undefined)
  assert.equal(findDeepNesting(Buffer.from('{"a":{"b":[]}}'), 2), 10)
})
