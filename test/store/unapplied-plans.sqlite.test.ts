import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectAttemptsOfUser } from '../../src/store/accounts/attempts.ts'
import { selectBacklogPart } from '../../src/store/accounts/backlog.ts'
import {
  selectCauses,
  selectUnapplied,
  UNAPPLIED_START,
  type UnappliedFilter,
} from '../../src/store/accounts/unapplied.ts'
import { selectChangesOfAccounts, selectEntriesOfUser } from '../../src/store/audit/timeline.ts'
import { explain } from '../support/query-plans.ts'
import { sqliteStores } from '../support/stores.ts'

const { open } = sqliteStores()

const LISTS: readonly (readonly [Partial<UnappliedFilter>, RegExp])[] = [
  [{}, /accounts_failed \(provider_pk=\? AND pk>\?\)/],
  [{ state: 'failing' }, /accounts_failed \(provider_pk=\? AND pk>\?\)/],
  [{ state: 'parked' }, /accounts_parked \(provider_pk=\? AND pk>\?\)/],
  [{ cause: 'late' }, /accounts_by_cause \(provider_pk=\? AND cause=\? AND pk>\?\)/],
  [{ tenant: 1 }, /accounts_failed_of_tenant \(tenant_pk=\? AND pk>\?\)/],
  [{ state: 'waiting' }, /accounts_due/],
  [{ state: 'waiting', tenant: 1 }, /accounts_unapplied \(tenant_pk=\?/],
]

test('lists and counts of unapplied accounts read indexes that have these accounts alone, and sort nothing', async () => {
  const store = await open()
  for (const [filter, index] of LISTS) {
    const page = { from: UNAPPLIED_START, limit: 10 }
    const plan = await explain(store, (tx) => selectUnapplied(tx, { provider: 1, ...filter }, page))
    assert.match(plan[0] ?? '', index, JSON.stringify(filter))
    assert.doesNotMatch(plan.join('\n'), /TEMP B-TREE|SCAN accounts$/m)
  }
  const counted = await explain(store, (tx) => selectBacklogPart(tx, { provider: 1, limit: 100 }))
  assert.match(counted.join('\n'), /accounts_(due|unapplied)\b/)
  const plan = await explain(store, (tx) => selectCauses(tx, 1))
  assert.match(plan.join('\n'), /accounts_by_cause \(provider_pk=\? AND cause>\?\)/)
})

test('a timeline reads the entries and attempts of its user', async () => {
  const store = await open()
  const user = { pk: 1, id: 'user' }
  const plan = await explain(store, async (tx) => {
    await selectAttemptsOfUser(tx, 1, { limit: 10 })
    const request = { user, reader: { providerPk: 1 }, before: 1e9, limit: 10 }
    await selectEntriesOfUser(tx, { ...request, kinds: ['changes', 'refusals'] })
    await selectChangesOfAccounts(tx, { user, organizationPk: 1, providerPk: 1 }, ['2026'])
  })
  const text = plan.join('\n')
  assert.match(text, /attempts_of_account \(account_pk=\? AND pk<\?\)/)
  assert.match(text, /audit_ids USING PRIMARY KEY \(id=\? AND entry_pk>\? AND entry_pk<\?\)/)
  assert.doesNotMatch(text, /SCAN (entry|audit_entries|accounts|users|credentials|attempts)\b/)
})
