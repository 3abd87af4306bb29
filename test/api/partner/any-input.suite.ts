import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FULL_LENGTH } from '../../../testing/full-length.ts'
import {
  bodyOf,
  call,
  callers,
  type Ids,
  makeIds,
  PREPARATIONS,
  type Route,
  routes,
  type Sent,
} from './portal-calls.ts'

const caller = callers[0] ?? assert.fail()

/** How many of the wrong calls of a route are made, unless the tests run at full length: every so many-th of them. */
const SAMPLE = 12

const NESTED = JSON.parse(`${'['.repeat(90)}${']'.repeat(90)}`) as unknown

/** Values that no member and no parameter should take, or only some. */
const VALUES: readonly unknown[] = [
  ...[null, true, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER, '', ' ', 'x', '\u0000', '\ud800', '\u202e'],
  ...[
    'x'.repeat(256),
    '😀'.repeat(255),
    "' OR 1=1 --",
    '%',
    '_',
    '1e400',
    '0x10',
    '-1',
    '99999999999999999999',
  ],
  ...['00000000-0000-0000-0000-000000000000', '2026-02-30T00:00:00Z', '9999-12-31T23:59:59Z', 'a@b.example'],
  ...[[], {}, [null], [[]], { id: 5 }, { __proto__: null, toString: 1 }, NESTED, Array(100).fill('x')],
]
const TEXTS = VALUES.filter((value) => typeof value === 'string')

/** Wrong calls of a route: each part of a right call is replaced in turn. */
function* listWrong(route: Route, ids: Ids): Generator<Sent> {
  const { query = {} } = PREPARATIONS[route.key] ?? {}
  const body = bodyOf(route)
  for (const name of Object.keys(ids))
    for (const text of [...TEXTS, '..', 'a/b', '?', '#', ids[name]?.toUpperCase() ?? ''])
      if (text.isWellFormed()) yield { ids: { ...ids, [name]: text }, query, body }
  for (const { name, in: where } of route.document.parameters ?? [])
    for (const text of TEXTS) {
      if (where === 'query') yield { ids, query: { ...query, [name]: text }, body }
      const isSendable = /^[\x20-\x7e]*$/.test(text) && !/^x-/i.test(name)
      if (where === 'header' && isSendable)
        yield { ids, query, body, headers: { [name.toLowerCase()]: text } }
    }
  // A member that the operation ignores must not take the place of a parameter of the path.
  for (const name of Object.keys(ids)) {
    yield { ids, query: { ...query, [name]: 'x' }, body }
    if (typeof body === 'object') yield { ids, query, body: { ...body, [name]: [] } }
  }
  if (body === undefined) return
  for (const value of VALUES) yield { ids, query, body: JSON.stringify(value) }
  if (typeof body !== 'object' || body === null) return
  for (const name of [...Object.keys(body), 'id', 'unknown', 'constructor'])
    for (const value of VALUES) yield { ids, query, body: JSON.stringify({ ...body, [name]: value }) }
}

/** Whatever is sent to an operation of the partner portal, the response is one that the document has, and no 5xx. */
export function anyInputSuite(): void {
  for (const route of routes)
    test(`${route.key} refuses wrong input, whatever it is`, async () => {
      const ids = await makeIds(route, caller)
      const wrong = [...listWrong(route, ids)]
      const step = FULL_LENGTH ? 1 : Math.max(1, Math.floor(wrong.length / SAMPLE))
      for (let i = route.key.length % step; i < wrong.length; i += step) {
        const { status, text } = await call(route, { caller, ...wrong[i] })
        const sent = JSON.stringify({ ...wrong[i], ids: undefined }).slice(0, 200)
        const declared = Object.keys(route.document.responses)
        assert.ok(status < 500 && declared.includes(String(status)), `${sent}: ${status} ${text}`)
      }
    })
}
