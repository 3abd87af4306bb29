import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JWTPayload } from 'jose'
import { type Conditions, newMachineCheck } from '../../src/auth/machine.ts'

/** Returns whether claims prove a machine under these conditions; the client is `app`. */
function isMachine(machine: Conditions | undefined, claims: JWTPayload): boolean {
  return newMachineCheck(machine)(claims, 'app')
}

test('a text is compared whole, and only with a text', () => {
  const machine = { gty: 'client-credentials' }
  assert.equal(isMachine(machine, { gty: 'client-credentials' }), true)
  for (const gty of [
    undefined,
    null,
    '',
    'client-credentials ',
    'Client-Credentials',
    'x-client-credentials',
    ['client-credentials'],
    ['client-credentials', 'refresh_token'],
    { toString: 'client-credentials' },
  ])
    assert.equal(isMachine(machine, { gty }), false, JSON.stringify(gty))
})

test('a pattern matches a whole text of up to 256 characters', () => {
  const machine = { sub: { pattern: 'svc-[a-z]+|robot' } }
  for (const sub of ['svc-a', 'robot', `svc-${'a'.repeat(252)}`])
    assert.equal(isMachine(machine, { sub }), true)
  for (const sub of [
    'svc-',
    'xsvc-a',
    'svc-a\n',
    'svc-a\nrobot',
    'robots',
    'arobot',
    `svc-${'a'.repeat(253)}`,
  ])
    assert.equal(isMachine(machine, { sub }), false, sub)
  const list = { sub: ['robot'] } as unknown as JWTPayload
  assert.equal(isMachine(machine, list), false)
})

test('two claims are the same only if both are the same text', () => {
  const machine = { sub: { sameAs: 'oid' } }
  assert.equal(isMachine(machine, { sub: 'a', oid: 'a' }), true)
  for (const [sub, oid] of [
    ['a', 'A'],
    ['a', undefined],
    [undefined, undefined],
    ['', ''],
    [null, null],
    [5, 5],
    [['a'], ['a']],
  ])
    assert.equal(isMachine(machine, { sub, oid } as JWTPayload), false, JSON.stringify([sub, oid]))
})

test('all conditions must hold, and they replace the default', () => {
  const machine = { kind: 'service', sub: { sameAs: 'oid' } }
  assert.equal(isMachine(machine, { kind: 'service', sub: 'a', oid: 'a' }), true)
  assert.equal(isMachine(machine, { kind: 'service', sub: 'a' }), false)
  assert.equal(isMachine(machine, { kind: 'person', sub: 'a', oid: 'a' }), false)
  assert.equal(isMachine(machine, { sub: 'app' }), false)
  assert.equal(isMachine(machine, { idtyp: 'app' }), false)
})

test("a text in scp is a person's, unless a condition is about it", () => {
  const claims = { sub: 'a', oid: 'a', scp: 'openid' }
  assert.equal(isMachine({ sub: { sameAs: 'oid' } }, claims), false)
  assert.equal(isMachine({ sub: { sameAs: 'oid' } }, { ...claims, scp: ['openid'] }), true)
  assert.equal(isMachine({ sub: { sameAs: 'oid' }, scp: 'openid' }, claims), true)
})

test('a claim that every object inherits is no claim', () => {
  for (const claim of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    assert.equal(isMachine({ [claim]: { pattern: '.+' } }, {}), false, claim)
    assert.equal(isMachine({ [claim]: { sameAs: 'valueOf' } }, {}), false, claim)
  }
})

test('by default sub is the client, or idtyp says app, and nothing speaks for a person', () => {
  const proofs: readonly JWTPayload[] = [
    { sub: 'app' },
    { idtyp: 'app' },
    { sub: 'app', scp: ['x'] },
    { sub: 'app', scp: '' },
  ]
  for (const claims of proofs) assert.equal(isMachine(undefined, claims), true, JSON.stringify(claims))
  const others: readonly JWTPayload[] = [
    {},
    { sub: 'ada' },
    { sub: 'App' },
    { sub: 'app', scp: 'user_impersonation' },
    { idtyp: 'app', scp: 'user_impersonation' },
    { sub: 'app', idtyp: 'user' },
    { sub: 'app', act: { sub: 'other' } },
  ]
  for (const claims of others) assert.equal(isMachine(undefined, claims), false, JSON.stringify(claims))
})
