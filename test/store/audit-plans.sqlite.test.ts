import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectAuditEntries } from '../../src/store/audit/entries.ts'
import { followAuditLog } from '../../src/store/audit/index-rows.ts'
import { type LogFilter, selectAuditLogs } from '../../src/store/audit/logs.ts'
import type { Store } from '../../src/store/port.ts'
import { explain } from '../support/query-plans.ts'
import { addOrganization, addProvider, newEntry, putEntries } from '../support/rows.ts'
import { sqliteStores } from '../support/stores.ts'

const { open } = sqliteStores()

async function newLog(): Promise<{ store: Store; filter: LogFilter; reseller: { pk: number; id: string } }> {
  const store = await open()
  const provider = await addProvider(store)
  const reseller = await addOrganization(store, provider, 'reseller')
  const { id: organization } = await addOrganization(store, provider, 'customer')
  const entries = Array.from({ length: 50 }, (_, i) =>
    newEntry({
      organization,
      ...(i % 5 === 0 && { reseller: reseller.id }),
      ...(i % 7 === 0 && { status: 'Failed' }),
    }),
  )
  await putEntries(store, ...entries)
  while ((await store.write((tx) => followAuditLog(tx, 100))) > 0);
  await putEntries(store, newEntry({ organization }))
  const time = { from: '2026-01-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' }
  return { store, filter: { providerPk: provider.pk, ...time }, reseller }
}

/**
 * Returns the steps that read a whole table or index, apart from the one row of audit_progress. A derived table is read
 * whole, but has few rows.
 */
function listScans(plan: readonly string[]): string[] {
  const scans = plan.filter((step) =>
    /^SCAN (i|entry|audit_(?!progress)\w+|users|credentials|customer_resellers|organizations)\b/.test(step),
  )
  const derived = plan.filter((step) => /^(CO-ROUTINE|MATERIALIZE) i$/.test(step)).length
  return scans
    .filter((step) => step !== 'SCAN i')
    .concat(scans.filter((step) => step === 'SCAN i').slice(derived))
}

test('no filter of the audit log reads a whole table', async () => {
  const { store, filter, reseller } = await newLog()
  const filters: Partial<LogFilter>[] = [
    ...[{}, { operations: ['CreateUser'] }, { operations: ['DeleteUser', 'UpdateUser'] }, { reseller }],
    ...([{ status: 'Failed' }, { status: 'Processing' }, { status: 'Succeeded' }] as const),
    ...[{ customerName: 'a' }, { resellerName: 'a' }, { customerName: 'a', operations: ['CreateUser'] }],
    { reseller, status: 'Failed', customerName: 'customer', resellerName: 'reseller' },
  ]
  for (const one of filters) {
    const plan = await explain(store, (tx) =>
      selectAuditLogs(tx, { ...filter, ...one }, { offset: 0, limit: 25 }),
    )
    assert.ok(plan.some((step) => step.startsWith('SEARCH i ')))
    assert.deepEqual(listScans(plan), [], JSON.stringify(one))
  }
})

test('a rare property is found by its own index', async () => {
  const { store, filter, reseller } = await newLog()
  const indexes: readonly (readonly [Partial<LogFilter>, index: string])[] = [
    [{ operations: ['DeleteUser'] }, 'audit_index_operation'],
    [{ status: 'Failed' }, 'audit_index_failed'],
    [{ status: 'Processing' }, 'audit_index_user'],
    [{ customerName: 'customer' }, 'audit_index_customer'],
    [{ reseller }, 'audit_index_reseller'],
  ]
  for (const [one, index] of indexes) {
    const plan = await explain(store, (tx) =>
      selectAuditLogs(tx, { ...filter, ...one }, { offset: 0, limit: 25 }),
    )
    assert.ok(
      plan.some((step) => step.startsWith('SEARCH i ') && step.includes(` ${index} `)),
      `${index}: ${plan.join('\n')}`,
    )
  }
})

test('entries of a correlation id, a target or an organization are found by the index of ids', async () => {
  const { store } = await newLog()
  for (const name of ['correlationId', 'target', 'organization'] as const) {
    const plan = await explain(store, (tx) => selectAuditEntries(tx, { [name]: 'a-target', limit: 10 }))
    assert.ok(
      plan.some((step) => step.includes('audit_ids')),
      name,
    )
    assert.deepEqual(listScans(plan), [], name)
  }
})
