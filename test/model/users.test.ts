import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameKeyOf } from '../../src/model/users.ts'

const keyOf = (firstName: string | null, lastName: string | null, emailKey: string | null): string =>
  nameKeyOf({ firstName, lastName, email: emailKey, emailKey })

test('users are ordered by first name, last name and e-mail without case, missing ones last', () => {
  const people = [
    keyOf('', 'Z', null),
    keyOf('ada', 'byron', 'z@x'),
    keyOf('Ada', 'Lovelace', 'a@x'),
    keyOf('ADA', 'lovelace', 'b@x'),
    keyOf('ada', 'lovelace', null),
    keyOf('Ada', null, 'a@x'),
    keyOf('Ada Maria', 'A', 'a@x'),
    keyOf('Zoë', 'a', 'a@x'),
    keyOf('zoË', 'b', 'a@x'),
    keyOf(null, 'A', 'a@x'),
    keyOf(null, null, 'a@x'),
    keyOf(null, null, null),
  ]
  const shuffled = people.map((key, i) => ({ key, i })).sort((a, b) => ((a.i * 7) % 12) - ((b.i * 7) % 12))
  const bytes = shuffled.map(({ key }) => Buffer.from(key)).sort(Buffer.compare)
  assert.deepEqual(bytes.map(String), people)
})

test('a key has an e-mail as it was typed, too, if its domain has another ASCII form', () => {
  const key = nameKeyOf({
    firstName: null,
    lastName: null,
    email: 'Ada@Müller.Example',
    emailKey: 'ada@xn--mller-kva.example',
  })
  assert.ok(key.includes('ada@xn--mller-kva.example') && key.endsWith('ada@müller.example'))
})

test('a key is well-formed and fits an index, however long the names are', () => {
  for (const letter of ['a', '\u{1f600}', 'ΐ']) {
    const key = keyOf(letter.repeat(255), letter.repeat(255), `${'c'.repeat(250)}@x`)
    assert.ok(key.isWellFormed() && Buffer.byteLength(key) <= 2_450)
  }
})
