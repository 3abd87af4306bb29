import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type as TypeBox } from 'typebox'
import { Type } from '../src/json-schema.ts'

/** Builds the same schemas with either. */
const build = (T: typeof Type): unknown[] => [
  T.String({ format: 'uuid', description: 'x' }),
  T.Integer({ minimum: 0 }),
  T.Boolean(),
  T.Null({ description: 'no body' }),
  T.Array(T.String(), { maxItems: 3 }),
  T.Object({}),
  T.Object({ a: T.Optional(T.String()) }, { title: 'A' }),
  T.Object({
    a: T.String(),
    b: T.Optional(T.Array(T.Integer())),
    c: T.Optional(T.Unsafe({ type: ['string', 'null'] })),
  }),
  T.Object({ ...T.Object({ a: T.Optional(T.String()), b: T.Null() }).properties, d: T.Boolean() }),
  T.Record(T.String(), T.Boolean(), { minProperties: 1 }),
  T.Union([T.String(), T.Object({ a: T.String() }, { additionalProperties: false })]),
  T.Enum(['a', 'b'], { description: 'y' }),
  T.Unsafe(T.Object({ a: T.String() })),
]

test('every schema is the one that typebox builds', () => {
  assert.equal(JSON.stringify(build(Type)), JSON.stringify(build(TypeBox)))
})
