import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { credentialIdentity, newSealer, sealMark } from '../../src/directory/sealing/sealer.ts'

const KEY = randomBytes(32)
const sealer = newSealer([KEY])
const IDENTITY = credentialIdentity('AK', { pk: 1, canonicalUserId: 'tenant$user', userId: 'user' })

test('any secret that was sealed opens again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, identity) => {
      assert.equal(sealer.open(sealer.seal(secret, identity), identity), secret)
    }),
  )
})

test('a secret that is sealed twice gives two texts, and neither contains it', () => {
  const [one, other] = [sealer.seal('a secret key', IDENTITY), sealer.seal('a secret key', IDENTITY)]
  assert.notEqual(one, other)
  for (const sealed of [one, other]) {
    assert.ok(!sealed.includes('a secret key'))
    assert.ok(!Buffer.from(sealed.split('.')[2] ?? '', 'base64url').includes('a secret key'))
  }
})

test('another sealer with the same key opens it, one with another key throws', () => {
  const sealed = sealer.seal('secret', IDENTITY)
  assert.equal(newSealer([Buffer.from(KEY)]).open(sealed, IDENTITY), 'secret')
  assert.throws(() => newSealer([randomBytes(32)]).open(sealed, IDENTITY), /another master key/)
})

test('of several keys the first seals, and all of them open', () => {
  const other = randomBytes(32)
  const both = newSealer([other, KEY])
  const sealed = both.seal('new', IDENTITY)
  assert.equal(both.open(sealer.seal('old', IDENTITY), IDENTITY), 'old')
  assert.equal(both.open(sealed, IDENTITY), 'new')
  assert.equal(newSealer([other]).open(sealed, IDENTITY), 'new')
  assert.throws(() => sealer.open(sealed, IDENTITY), /another master key/)
  assert.ok(sealed.startsWith(sealMark(other)))
  assert.ok(!sealed.startsWith(sealMark(KEY)))
})

test('a sealer without a key is refused', () => {
  assert.throws(() => newSealer([]), /32 bytes/)
})

test('a sealed secret that was moved to another identity does not open', () => {
  const sealed = sealer.seal('secret', IDENTITY)
  for (const identity of ['', 'credential:ak', 'credential:AK2', 'signing-key:AK'])
    assert.throws(() => sealer.open(sealed, identity))
})

test('a sealed secret with any bit changed does not open', () => {
  const sealed = sealer.seal('secret', IDENTITY)
  const [version = '', key = '', body = ''] = sealed.split('.')
  const bytes = Buffer.from(body, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    const at = bit >> 3
    changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7))
    assert.throws(() => sealer.open([version, key, changed.toString('base64url')].join('.'), IDENTITY))
  }
})

test('a text that was cut short or is no sealed secret does not open', () => {
  const sealed = sealer.seal('secret', IDENTITY)
  for (let length = 0; length < sealed.length; length++)
    assert.throws(() => sealer.open(sealed.slice(0, length), IDENTITY))
  for (const text of ['', '..', '3.a.b', 'secret', sealed.replace('2.', '1.'), sealed.replace('2.', '3.')])
    assert.throws(() => sealer.open(text, IDENTITY))
})

test('an error about a secret does not contain it', () => {
  const sealed = newSealer([randomBytes(32)]).seal('wJalrXUtnFEMI', IDENTITY)
  assert.throws(
    () => sealer.open(sealed, IDENTITY),
    (error: Error) =>
      !error.message.includes('wJalrXUtnFEMI') && !error.message.includes(KEY.toString('base64')),
  )
})

test('a key of another length than 32 bytes is refused', () => {
  for (const length of [0, 16, 31, 33]) assert.throws(() => newSealer([KEY, randomBytes(length)]), /32 bytes/)
})
