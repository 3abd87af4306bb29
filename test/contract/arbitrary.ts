import fc from 'fast-check'
import { anyCharacter } from '../support/characters.ts'

/** Text of any kind: plain, any Unicode, surrogates without their other half, U+0000, very long. */
export const anyText = fc.oneof(
  { weight: 12, arbitrary: fc.string() },
  { weight: 4, arbitrary: fc.string({ unit: anyCharacter, maxLength: 300 }) },
  {
    weight: 2,
    arbitrary: fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 8 }).map(fromUnits),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '\u0000', '\ud800', '__proto__', 'null', 'x'.repeat(255)) },
  { weight: 1, arbitrary: fc.integer({ min: 250, max: 260 }).map((length) => '🦉'.repeat(length)) },
)

function fromUnits(units: number[]): string {
  return String.fromCharCode(...units)
}

/** An e-mail address, sometimes a wrong one. */
export const anyEmail = fc.oneof(
  { weight: 12, arbitrary: fc.emailAddress() },
  { weight: 1, arbitrary: fc.tuple(anyText, anyText).map(([local, domain]) => `${local}@${domain}`) },
  { weight: 1, arbitrary: anyText },
)

/** Mostly the value, sometimes anything else in its place. */
export function nearly<T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 8, arbitrary: value },
    { weight: 1, arbitrary: fc.jsonValue() },
    fc.constant(null),
  )
}

/** An id: one that exists, another one, anything. */
export function anyId(...known: string[]): fc.Arbitrary<string> {
  const some = [...known, ...known.map((id) => id.toUpperCase())]
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...some) },
    { weight: 2, arbitrary: fc.uuid() },
    { weight: 1, arbitrary: anyText },
  )
}

/** Members with any names, including those that are special in JavaScript. */
const anyMembers = fc.dictionary(
  fc.oneof(anyText, fc.constantFrom('__proto__', 'constructor', 'toString', 'length')),
  fc.jsonValue(),
  { maxKeys: 3 },
)

/** An object with most of its members, nearly right, and sometimes other members. */
export function anyObject(members: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> {
  const near = Object.fromEntries(Object.entries(members).map(([name, value]) => [name, nearly(value)]))
  return fc.oneof(
    { weight: 6, arbitrary: fc.record(near) },
    { weight: 1, arbitrary: fc.record(near, { requiredKeys: [] }) },
    {
      weight: 1,
      arbitrary: fc.tuple(anyMembers, fc.record(near)).map(([extra, right]) => ({ ...extra, ...right })),
    },
  )
}

/** The object as JSON in bytes, any other JSON, JSON with something broken in it, or any bytes. */
export function anyBody(object: fc.Arbitrary<object>): fc.Arbitrary<Buffer> {
  const right = object.map((value) => Buffer.from(JSON.stringify(value)))
  const broken = fc
    .tuple(right, fc.nat(), fc.uint8Array({ maxLength: 4 }))
    .map(([body, at, bytes]) => spliced(body, at % (body.length + 1), bytes))
  return fc.oneof(
    { weight: 16, arbitrary: right },
    { weight: 2, arbitrary: fc.json().map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: broken },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  )
}

function spliced(body: Buffer, at: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([body.subarray(0, at), bytes, body.subarray(at + 1)])
}

/** What Node allows in a header: any byte except control characters. */
const anyHeaderText = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 300 })
  .map((codes) => fromUnits(codes.filter((code) => code !== 0x7f)))

/** A header: mostly the right value, sometimes another one or none. */
export function anyHeader(...right: string[]): fc.Arbitrary<string | undefined> {
  return fc.oneof(
    { weight: 24, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: anyHeaderText },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
}

/** Encodes text for a path segment or a query value, byte by byte. */
export function encoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[\w.~-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}

/** A query string with some of the names, in any case, and others. */
export function anyQuery(names: readonly string[], value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const known = fc.constantFrom(...names, ...names.map((name) => name.toUpperCase()))
  const name = fc.oneof({ weight: 4, arbitrary: known }, { weight: 1, arbitrary: anyText.map(encoded) })
  const pair = fc.tuple(name, value.map(encoded)).map(([left, right]) => `${left}=${right}`)
  const pairs = fc.array(pair, { maxLength: 3 }).map((all) => (all.length > 0 ? `?${all.join('&')}` : ''))
  return fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 2, arbitrary: pairs })
}

/** Characters of a request line, including percent signs that encode nothing. */
export const rawTarget = fc
  .array(
    fc.oneof(
      fc.constantFrom(...'%/?&=;.#\\:@+'),
      fc.integer({ min: 0x21, max: 0x7e }).map(String.fromCharCode),
    ),
    {
      maxLength: 40,
    },
  )
  .map((characters) => characters.join(''))
