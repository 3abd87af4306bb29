import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Condition, EVERYTHING } from '../../src/model/conditions.ts'
import { newId } from '../../src/model/ids.ts'
import { followAuditLog } from '../../src/store/audit/index-rows.ts'
import { type LogWalkFilter, selectLogWalk } from '../../src/store/audit/log-walks.ts'
import type { Store } from '../../src/store/port.ts'
import type { UserFields } from '../../src/store/users/user-sql.ts'
import { selectUserWalk, type UserWalk } from '../../src/store/users/user-walks.ts'
import { addOrganization, addProvider, insertUser, newEntry, putEntries } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'
import { type Engine, explainAll } from './query-plans.suite.ts'

/** A large table that is read as a whole. The index of unapplied accounts has few. */
const WHOLE =
  /SCAN (audit_(?!progress)\w+|entry|own|users|accounts(?! USING INDEX accounts_unapplied)|memberships|organizations|credentials)\b|Seq Scan on (audit_(entries|index|ids|blocks)|users|accounts|memberships|organizations|credentials)\b/

/** The plans of the queries behind the walks through users and through the audit log. */
export function walkPlansSuite(open: OpenStore, engine: Engine): void {
  describe('plans of the queries of walks', () => {
    userPlans(open, engine)
    logPlans(open, engine)
  })
}

/** Lets the totals say that an area has very many users, or few. */
async function setTotals(
  store: Store,
  provider: number,
  totals: readonly (readonly [organization: number, deleted: 0 | 1, total: number])[],
): Promise<void> {
  const rows = totals.map(([organization_pk, deleted, total]) => ({
    ...{ provider_pk: provider, organization_pk, reseller_pk: 0, deleted, total },
  }))
  await store.write(async (tx) => {
    await tx.query((db) => db.deleteFrom('user_totals'))
    for (const row of rows) await tx.query((db) => db.insertInto('user_totals').values(row))
  })
}

function userPlans(open: OpenStore, engine: Engine): void {
  test('a page of a walk through very many users reads an index in order, and no whole table', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const customer = await addOrganization(store, provider, 'customer')
    const large = await addOrganization(store, provider, 'reseller')
    const small = await addOrganization(store, provider, 'reseller')
    const names = { firstName: 'Ada', lastName: null, email: null }
    await store.write((tx) => insertUser(tx, { id: newId(), organizationPk: customer.pk, ...names }))
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 10))
    await setTotals(store, provider.pk, [
      [0, 0, 1_000_000],
      [0, 1, 1_000_000],
      [large.pk, 0, 1_000_000],
      [small.pk, 0, 10],
    ])
    // With so few rows PostgreSQL takes any index, by what it has counted meanwhile.
    const byName = engine.prepare ? /users_/ : /users_name/
    const word = (contains: string): Condition<UserFields> => ({ field: 'text', contains })
    const walks: readonly (readonly [
      string,
      RegExp,
      Partial<UserWalk['criteria']['area']>,
      { where?: Condition<UserFields>; deleted?: boolean; states?: UserWalk['states'] },
    ])[] = [
      ['all', byName, {}, {}],
      ['short words', byName, {}, { where: word('a') }],
      ['few are found', /users/, {}, { where: word('ada') }],
      ['unapplied', /accounts_(due|failed|unapplied|parked)/, {}, { states: ['failing', 'parked'] }],
      ['applied', byName, {}, { states: ['applied'] }],
      ['of an organization', /users_of_organization/, { organizationPk: customer.pk }, {}],
      ['of a large reseller', byName, { resellerPk: large.pk }, { states: ['none'] }],
      ['of a small reseller', /users_of_organization/, { resellerPk: small.pk }, {}],
      ['deleted', /users_deleted/, {}, { deleted: true }],
    ]
    for (const [name, index, area, { where = EVERYTHING, deleted = false, states }] of walks)
      for (const after of [undefined, { key: 'a', id: 'b' }]) {
        const criteria = { area: { providerPk: provider.pk, ...area }, deleted, where, beingDeleted: [] }
        const plans = await store.read((tx) =>
          explainAll(tx, engine, (on) => selectUserWalk(on, { criteria, states, after, limit: 25 })),
        )
        const text = plans.join('\n')
        assert.match(text, index, `${name}: ${text}`)
        assert.doesNotMatch(text, WHOLE, name)
        if (index.source === /users_name/.source)
          assert.doesNotMatch(plans.find((plan) => plan.includes('users_name')) ?? '', /TEMP B-TREE/, name)
      }
  })
}

function logPlans(open: OpenStore, engine: Engine): void {
  test('a page of a walk through the audit log reads no whole table, whatever the filter', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const reseller = await addOrganization(store, provider, 'reseller')
    const { id: organization } = await addOrganization(store, provider, 'customer')
    await putEntries(store, ...Array.from({ length: 50 }, () => newEntry({ organization })))
    while ((await store.write((tx) => followAuditLog(tx, 100))) > 0);
    const time = { from: '2026-01-01T00:00:00.000Z', to: '2026-06-01T00:00:00.000Z' }
    const ofIds = /audit_ids/
    const filters: readonly (readonly [Partial<LogWalkFilter>, RegExp])[] = [
      [{}, /audit_index|SEARCH i /],
      [{ outcome: 'created' }, /audit_index|SEARCH i /],
      [{ operations: ['CreateUser'] }, /audit_index_operation/],
      [{ status: 'Failed' }, /audit_index|SEARCH i /],
      [{ customerName: 'a' }, /audit_index|SEARCH i /],
      [{ reseller }, /audit_index|SEARCH i /],
      ...([{ callers: ['client', 'person:x'] }, { target: 'target' }, { organization }] as const).map(
        (one) => [one, ofIds] as const,
      ),
      [{ organization, reseller, status: 'Succeeded', operations: ['CreateUser', 'DeleteUser'] }, ofIds],
    ]
    for (const tail of [false, true]) {
      if (tail) await putEntries(store, newEntry({ organization }))
      for (const [filter, index] of filters)
        for (const after of [undefined, { at: '2026-05-01T00:00:00.000Z', number: 40 }]) {
          const request = { filter: { providerPk: provider.pk, ...time, ...filter }, after, limit: 25 }
          const plans = await store.read((tx) => explainAll(tx, engine, (on) => selectLogWalk(on, request)))
          const text = plans.join('\n')
          assert.match(text, index, text)
          for (const plan of plans) assert.doesNotMatch(plan, WHOLE, `${JSON.stringify(filter)}: ${plan}`)
        }
    }
  })
}
