import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { toFingerprint } from '../../src/api/fingerprint.ts'

const ID = '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d'
const NIL = '00000000-0000-0000-0000-000000000000'

const uuid = Type.String({ format: 'uuid' })
const declared = {
  method: 'PATCH',
  url: '/users/:user',
  schemas: {
    params: Type.Object({ user: Type.String() }),
    querystring: Type.Object({ resellerId: Type.Optional(uuid) }),
    body: Type.Object({
      name: Type.Optional(Type.String({ format: 'text' })),
      email: Type.Optional(Type.String({ format: 'email' })),
      groups: Type.Optional(Type.Array(Type.Object({ id: uuid }))),
      limits: Type.Optional(Type.Object({})),
      ignored: Type.Optional(Type.Unsafe<unknown>({ readOnly: true })),
    }),
  },
}

interface Change {
  readonly organization?: string
  readonly user?: string
  readonly query?: object
  readonly body?: object
}

const given = { organization: 'o', user: ID, query: { resellerId: ID }, body: { name: 'Ada' } }

function fingerprint(change: Change = {}, of = declared): string {
  const { organization, user, query, body } = { ...given, ...change }
  return toFingerprint(of, organization, { params: { user }, query, body })
}

test('a request has one fingerprint, however it is spelled', () => {
  const pairs: [Change, Change][] = [
    [{ body: { name: 'Ada', ignored: 1 } }, { body: { name: 'Ada', ignored: [2] } }],
    [{}, { user: ID.toUpperCase() }],
    [{ user: 'ada@example.com' }, { user: 'ADA@Example.com' }],
    [{}, { query: { resellerId: ID.toUpperCase() } }],
    [{ query: {} }, { query: { resellerId: NIL } }],
    [{}, { body: { name: 'Ada', ignored: 1 } }],
    [{ body: { name: 'Ada', email: 'a@b.example' } }, { body: { email: 'A@B.EXAMPLE', name: 'Ada' } }],
    [{ body: { groups: [{ id: ID }] } }, { body: { groups: [{ id: ID.toUpperCase(), name: 'x' }] } }],
  ]
  for (const [one, other] of pairs)
    assert.equal(fingerprint(one), fingerprint(other), JSON.stringify([one, other]))
})

test('another request has another fingerprint', () => {
  const changes: Change[] = [
    {},
    { organization: 'p' },
    { user: ID.replace('0', '1') },
    { user: 'ada@example.com' },
    { query: {} },
    ...[
      {},
      { name: 'ada' },
      { name: ID },
      { name: ID.toUpperCase() },
      { limits: {} },
      { limits: { a: 1 } },
    ].map((body) => ({ body })),
    { body: { groups: [] } },
    { body: { groups: [{ id: ID }] } },
    { body: { groups: [{ id: ID }, { id: ID }] } },
  ]
  const prints = [
    ...changes.map((change) => fingerprint(change)),
    fingerprint({}, { ...declared, method: 'POST' }),
    fingerprint({}, { ...declared, url: '/users/:user/suspend' }),
  ]
  assert.equal(new Set(prints).size, prints.length)
})

test('members with names of JavaScript itself are compared like all others', () => {
  const body = JSON.parse('{"__proto__": {"name": "Ada"}, "name": "Ada"}')
  assert.equal(fingerprint({ body }), fingerprint())
  assert.notEqual(fingerprint({ body: { toString: 1 } }), fingerprint())
})
