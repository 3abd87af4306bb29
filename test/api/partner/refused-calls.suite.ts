import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf, send } from '../../../testing/http.ts'
import type { Area } from '../../support/portal-world.ts'
import { areas, bodyOf, type Caller, call, callers, idIn, kindOf, routes, world } from './portal-calls.ts'

interface Entry {
  readonly correlationId: string
  readonly customerName: string | null
  readonly customerId: string | null
  readonly resellerId: string | null
  readonly resellerName: string | null
}

/** Returns the entries of a call that the owner of an area sees. */
async function readLog({ portal, administrator }: Area, correlationId: string): Promise<Entry[]> {
  const headers = { 'x-tenant': portal, authorization: `Bearer ${administrator}` }
  const response = await send(world.url, { method: 'GET', path: '/v1/AuditLogs?PageSize=2000', headers })
  assert.equal(response.status, 200, response.text)
  const { items } = jsonOf<{ items: Entry[] }>(response)
  return items.filter((entry) => entry.correlationId === correlationId)
}

/** Sends every operation that writes, with foreign ids in its path and query. */
async function callAll(caller: Caller, area: 'beside' | 'far', correlationId: string): Promise<void> {
  for (const route of routes.filter(({ method }) => method !== 'GET')) {
    const ids: Record<string, string> = {}
    for (const [, name = ''] of route.path.matchAll(/\{(\w+)\}/g)) {
      ids[name] = (await idIn(area, kindOf(route, name))) ?? randomUUID()
    }
    if (Object.keys(ids).length === 0) continue
    const query = { resellerId: areas[area].owner.id }
    await call(route, { caller, ids, body: bodyOf(route), correlationId })
    await call(route, { caller, ids, query, body: '{}', correlationId })
  }
}

/** Refused calls stand in the log of the caller alone, and do not tell whose ids they named. */
export function refusedCallsSuite(): void {
  const ofKind = (kind: string): Caller =>
    callers.find(({ organization, permission }) => organization.kind === kind && permission !== 'viewer') ??
    assert.fail(kind)

  for (const [kind, area] of [
    ['provider', 'far'],
    ['reseller', 'far'],
    ['reseller', 'beside'],
    ['customer', 'beside'],
  ] as const)
    test(`calls of a ${kind} with ids of another area (${area}) stand in the log of the caller alone`, async () => {
      const correlationId = randomUUID()
      const caller = ofKind(kind)
      await callAll(caller, area, correlationId)
      assert.deepEqual(await readLog(areas[area], correlationId), [])
      const entries = await readLog(areas.direct, correlationId)
      assert.ok(entries.length > 20, 'there are few entries')
      const { customer, owner } = areas[area]
      for (const { customerId, customerName, resellerId, resellerName } of entries) {
        // A provider reads the id of a reseller as it sent it, as one of nothing.
        assert.ok(customerId !== customer.id && (resellerId !== owner.id || resellerName === null))
        assert.ok(kind === 'provider' || resellerId !== owner.id)
        assert.ok(customerId !== null || customerName === null)
      }
    })
}
