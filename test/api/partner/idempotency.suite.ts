import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { HttpResponse } from '../../../testing/http.ts'
import { readAudit } from '../../support/directories.ts'
import { bodyOf, call, callers, makeIds, PREPARATIONS, type Route, routes, world } from './portal-calls.ts'

const administrator = callers[0] ?? assert.fail()

/** What the platform has is read anew for each response. */
const textOf = ({ text }: HttpResponse): string => text.replace(/"platformState":"\w+"/, '')

const isBulk = ({ path }: Route): boolean => path.endsWith('/bulk')
const keyed = routes.filter(({ document }) =>
  (document.parameters ?? []).some(({ name }) => name === 'Idempotency-Key'),
)
const repeatable = keyed.filter((route) => !isBulk(route))

/** Each POST and PATCH of the partner portal, repeated under an Idempotency-Key. */
export function idempotencySuite(): void {
  for (const route of repeatable)
    test(`${route.key} is done once under an Idempotency-Key`, async () => {
      const { query = {} } = PREPARATIONS[route.key] ?? {}
      const ids = await makeIds(route, administrator)
      const headers = { 'idempotency-key': randomUUID() }
      const sent = { caller: administrator, ids, query, body: bodyOf(route), headers }
      const upper = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, id.toUpperCase()]))
      const first = await call(route, sent)
      assert.ok(first.status < 300, first.text)
      for (const again of [await call(route, sent), await call(route, { ...sent, ids: upper })]) {
        const { etag, location } = first.headers
        assert.deepEqual([again.status, textOf(again)], [first.status, textOf(first)])
        assert.deepEqual([again.headers.etag, again.headers.location], [etag, location])
      }
      const outcomes = (await readAudit(world.dir, 2)).map(({ operation, outcome }) => [operation, outcome])
      assert.deepEqual(outcomes, Array(2).fill([route.operation, 'replayed']))
      const other = routes.find(({ key }) => key === 'POST /v1/api-accesses')
      const key = other !== route && other
      if (!key) return
      const body = { name: 'Other', permission: 'viewer' }
      const reused = await call(key, { caller: administrator, body, headers })
      assert.equal(reused.status, 400)
      assert.match(reused.text, /Idempotency-Key/)
    })

  test('a bulk call refuses an Idempotency-Key: each of its lines may be repeated', async () => {
    for (const route of keyed.filter(isBulk)) {
      const headers = { 'idempotency-key': randomUUID() }
      const ids = await makeIds(route, administrator)
      const response = await call(route, { caller: administrator, ids, body: bodyOf(route), headers })
      assert.equal(response.status, 400, response.text)
      assert.match(response.text, /"propertyName":"Idempotency-Key"/)
    }
  })

  test('all operations that take a key are repeated here', () => {
    assert.ok(repeatable.length >= 10)
  })
}
