import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newAccessKey, newSecretKey } from '../../src/model/credentials.ts'
import { isUuid, newClientSecret, newId, newTenantId } from '../../src/model/ids.ts'
import { anyCharacter } from '../support/characters.ts'

test('a UUID is accepted in any version and either case', () => {
  fc.assert(
    fc.property(fc.uuid(), (uuid) => {
      assert.equal(isUuid(uuid), true)
      assert.equal(isUuid(uuid.toUpperCase()), true)
    }),
  )
  assert.equal(isUuid('00000000-0000-0000-0000-000000000000'), true)
})

const NO_UUIDS = [
  '',
  'x',
  '0192f7c4a6a87c3e9d4b5e6f7a8b9c0d',
  '{0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d}',
  'urn:uuid:0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d',
  ' 0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d',
  '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d\n',
  '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0',
  '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d0',
  '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0g',
  '0192f7c4a-6a8-7c3e-9d4b-5e6f7a8b9c0d',
  '０192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d',
]

for (const text of NO_UUIDS) {
  test(`${JSON.stringify(text)} is no UUID`, () => assert.equal(isUuid(text), false))
}

test('a new id is a UUIDv7, later ones sort after earlier ones, and none repeats', () => {
  const ids = Array.from({ length: 5_000 }, newId)
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(new Set(ids).size, ids.length)
  const times = ids.map((id) => id.slice(0, 13))
  assert.deepEqual([...times].sort(), times)
})

test('a tenant id is made of A-Za-z0-9_ and has 49 characters at most, whatever the name', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, maxLength: 300 }), (name) => {
      assert.match(newTenantId(name), /^[A-Za-z0-9_]{1,49}$/)
    }),
    { numRuns: 500 },
  )
})

test('a tenant id begins with a slug of the name', () => {
  assert.match(newTenantId('Müller & Söhne GmbH'), /^muller_sohne_gmbh_[a-z2-7]{8}$/)
  assert.match(newTenantId('a'.repeat(300)), /^a{40}_[a-z2-7]{8}$/)
  for (const name of ['', '   ', '日本', '$$$']) assert.match(newTenantId(name), /^tenant_[a-z2-7]{8}$/)
})

test('two tenants of the same name have different ids', () => {
  const ids = Array.from({ length: 1_000 }, () => newTenantId('Acme'))
  assert.equal(new Set(ids).size, ids.length)
})

test('keys and secrets have their documented forms', () => {
  assert.match(newAccessKey(), /^[A-Z0-9]{20}$/)
  assert.match(newSecretKey(), /^[A-Za-z0-9]{40}$/)
  assert.match(newClientSecret(), /^[A-Za-z0-9]{43}$/)
})

test('no secret begins like an option of a command line', () => {
  for (let i = 0; i < 2_000; i++)
    for (const secret of [newClientSecret(), newSecretKey(), newAccessKey()])
      assert.match(secret, /^[A-Za-z0-9]/)
})
