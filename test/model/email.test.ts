import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldEmail, isDomain, isEmail } from '../../src/model/email.ts'
import { anyCharacter } from '../support/characters.ts'

const EMAILS = [
  'ada@example.com',
  'a@b',
  'ada.lovelace+tag@mail.example.co.uk',
  "o'brien@example.com",
  '!#$%&*+/=?^_`{|}~-@example.com',
  'ada@xn--bcher-kva.example',
  'ädä@bücher.example',
  'पता@उदाहरण.भारत',
  `${'a'.repeat(243)}@example.com`,
  'a@1.example',
]

for (const email of EMAILS) {
  test(`${email} is an e-mail address`, () => assert.equal(isEmail(email), true))
}

const NO_EMAILS = [
  '',
  '@',
  'ada',
  '@example.com',
  'ada@',
  'ada@@example.com',
  'ada@exa@mple.com',
  '.ada@example.com',
  'ada.@example.com',
  'a..da@example.com',
  'ada@.example.com',
  'ada@example..com',
  'ada@example.com.',
  'ada@-example.com',
  'ada@example-.com',
  'ada lovelace@example.com',
  ' ada@example.com',
  'ada@example.com ',
  'ada@example.com\n',
  'ada@exa mple.com',
  'ada@example_x.com',
  '"ada"@example.com',
  'ada@[127.0.0.1]',
  'Ada <ada@example.com>',
  'ada@example.com,b@example.com',
  'ada\u0000@example.com',
  'ada@example.com\u0000',
  'ada\ud800@example.com',
  'ada\r\nBcc:x@example.com',
  'ada\u202e@example.com',
  `ada@${'a'.repeat(64)}.com`,
  `ada@${'ü'.repeat(63)}.com`,
  'ada@ex。com',
  'ada@aا.com',
]

for (const email of NO_EMAILS) {
  test(`${JSON.stringify(email)} is no e-mail address`, () => assert.equal(isEmail(email), false))
}

test('a name of 253 characters is a domain, one of 254 is not', () => {
  const label = 'a'.repeat(63)
  const longest = `${label}.${label}.${label}.${'a'.repeat(61)}`
  assert.equal(longest.length, 253)
  assert.equal(isDomain(longest), true)
  assert.equal(isDomain(`${longest}a`), false)
})

for (const domain of ['localhost', 'portal.example', 'a-b.example', '1.2.3.4', 'bücher.example']) {
  test(`${domain} is a domain`, () => assert.equal(isDomain(domain), true))
}

for (const domain of [
  '',
  '.',
  'a.',
  '.a',
  'a..b',
  '-a',
  'a-',
  'a_b',
  'a b',
  'a/b',
  'a:80',
  'http://a',
  'a\n',
]) {
  test(`${JSON.stringify(domain)} is no domain`, () => assert.equal(isDomain(domain), false))
}

test('any text is checked quickly', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, maxLength: 400 }), (text) => {
      assert.equal(typeof isEmail(text), 'boolean')
      assert.equal(typeof isDomain(text), 'boolean')
    }),
    { numRuns: 500 },
  )
  const begun = performance.now()
  isEmail(`a@${'a'.repeat(100_000)}!`)
  isEmail(`a@${'a.'.repeat(120)}!`)
  isDomain(`${'a-'.repeat(126)}!`)
  assert.ok(performance.now() - begun < 100)
})

test('an e-mail address is compared without case and in one composition', () => {
  assert.equal(foldEmail('Ada@Example.COM'), 'ada@example.com')
  assert.equal(foldEmail('\u0041\u0308@x'), foldEmail('\u00e4@x'))
  assert.equal(foldEmail('ÄDA@X'), foldEmail('äda@x'))
})

test('the local part is compared by full case folding, the domain by UTS 46', () => {
  const folded: readonly (readonly [string, string])[] = [
    ['ΛΌΓΟΣ@x', 'λόγοσ@x'],
    ['λόγος@x', 'λόγοσ@x'],
    ['STRAẞE@x', 'strasse@x'],
    ['ﬁ@x', 'fi@x'],
    ['İ@x', 'i\u0307@x'],
    ['ı@x', 'ı@x'],
    ['a@faß.example', 'a@xn--fa-hia.example'],
    ['a@XN--FA-HIA.example', 'a@xn--fa-hia.example'],
    ['a@FASS.example', 'a@fass.example'],
    ['a@ＥＸ.example', 'a@ex.example'],
    ['a@bücher.123', 'a@xn--bcher-kva.123'],
    ['ü@x.123', 'ü@x.123'],
  ]
  for (const [email, key] of folded) assert.equal(foldEmail(email), key)
})

test('an address of an older store whose domain has no ASCII form is folded by its letters', () => {
  assert.equal(isEmail('A@⑴.Example'), false)
  assert.equal(foldEmail('A@⑴.Example'), 'a@⑴.example')
})

test('folding a folded address changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const folded = foldEmail(text)
      assert.equal(foldEmail(folded), folded)
    }),
    { numRuns: 500 },
  )
})

test('two spellings of one address in other letter case fold to the same, whatever the letters', () => {
  const ascii = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789.@-') })
  fc.assert(fc.property(ascii, (text) => assert.equal(foldEmail(text.toUpperCase()), foldEmail(text))))
})
