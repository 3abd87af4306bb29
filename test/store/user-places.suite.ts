import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { newId } from '../../src/model/ids.ts'
import { nameKeyOf } from '../../src/model/users.ts'
import { searchArea } from '../../src/store/postgres/area-pages.ts'
import { queryAlongIndex, selectMemberPage } from '../../src/store/postgres/member-pages.ts'
import type { Place } from '../../src/store/postgres/user-search.ts'
import { readPlaces } from '../../src/store/postgres/user-search.ts'
import { query } from '../../src/store/raw-query.ts'
import { insertGroup, replaceMemberships, selectGroups } from '../../src/store/tables/groups.ts'
import { markUserDeleted, markUserRestored, updateUser } from '../../src/store/tables/users.ts'
import { selectPageEnd } from '../../src/store/users/page-ends.ts'
import { addOrganization, addProvider, insertUser, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'
import { type Engine, explainAll } from './query-plans.suite.ts'

/** The plans of pages of the members of a group on PostgreSQL. */
export function memberPlansSuite(open: OpenStore, engine: Engine): void {
  test('a page of the members of a group is read from an index in the order of the list', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const [customer, reseller] = [
      await addOrganization(store, provider, 'customer'),
      await addOrganization(store, provider, 'reseller'),
    ]
    const user = { id: newId(), organizationPk: customer.pk, firstName: 'Ada', lastName: null, email: null }
    const pk = (await store.write((tx) => insertUser(tx, user))) ?? assert.fail()
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 10))
    const search = { providerPk: provider.pk, words: [], groups: [[1]] }
    const [ofCustomer, ofReseller] = [{ organizationPk: customer.pk }, { resellerPk: reseller.pk }]
    for (const by of ['name', 'email'] as const)
      for (const key of [undefined, null, 'a'])
        for (const ascending of key === undefined ? [true] : [true, false])
          await store.read(async (tx) => {
            // There are too few rows for the planner to choose an index by itself.
            await query(tx, sql`select set_config('enable_sort', 'off', true)`)
            const end = key === undefined ? undefined : { key, by, id: 'a', organizationPk: 1, pk }
            const page = { order: { by, ascending }, offset: 0, limit: 25, after: end }
            const plans = await explainAll(tx, engine, (on) => selectMemberPage(on, search, page))
            const text = plans.join('\n')
            assert.match(text, new RegExp(`Index Only Scan .*memberships_by_${by}`))
            assert.doesNotMatch(text, /Sort|Filter: .*(name_key|email_key) </)
            for (const narrow of [ofCustomer, ofReseller]) {
              const area = { providerPk: provider.pk, ...narrow }
              const few = await explainAll(tx, engine, (on) =>
                selectMemberPage(on, search, { ...page, area }),
              )
              assert.match(few.join('\n'), /Index Only Scan .*memberships_of_organization/)
              const users = await explainAll(tx, engine, (on) =>
                searchArea(on, { area, search: { ...search, groups: [] } }, page),
              )
              // With few rows, the index of all users costs the same.
              if (by === 'email')
                assert.match(users.join('\n'), /Index Only Scan .*users_(of_organization|name)/)
            }
          })
  })
}

/** What memberships on PostgreSQL have of their users. */
export function memberCopiesSuite(open: OpenStore): void {
  test('memberships follow concurrent changes of their users and of groups', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const customer = await addOrganization(store, provider, 'customer')
    for (const name of ['A', 'B'])
      await store.write((tx) => insertGroup(tx, { id: newId(), provider: provider.pk, name, now: NOW }))
    const groups = await store.read((tx) => selectGroups(tx, provider.pk))
    const pks: number[] = []
    for (let i = 0; i < 8; i++) {
      const user = {
        id: newId(),
        organizationPk: customer.pk,
        firstName: `${i}`,
        lastName: null,
        email: null,
      }
      pks.push((await store.write((tx) => insertUser(tx, user))) ?? assert.fail())
    }
    const change = (n: number): Promise<unknown> =>
      store.write(async (tx) => {
        const pk = pks[n % pks.length] ?? 0
        if (n % 5 === 0) return tx.userIndex.enlistUsers(tx, 3)
        if (n % 5 === 1) return markUserDeleted(tx, pk, NOW)
        if (n % 5 === 2) return markUserRestored(tx, pk, NOW)
        const email = n % 2 === 0 ? null : `${n}@x.example`
        const content = { resellerPk: null, firstName: `${n}`, lastName: null, email, active: true, now: NOW }
        await updateUser(tx, pk, content)
        if (n % 5 === 3) await replaceMemberships(tx, pk, groups.slice(n % 3))
      })
    await Promise.all(Array.from({ length: 60 }, (_, n) => change(n)))
    while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, 100))) > 0);
    const keys = sql`users.id, users.name_key, users.email_key, users.organization_pk, users.reseller_pk`
    const [row] = await store.read((tx) =>
      query<{ members: number; right: number }>(
        tx,
        sql`select count(*)::integer as members, (count(*) filter (where memberships.listed = 1
            and (user_id, memberships.name_key, memberships.email_key, memberships.organization_pk,
              memberships.reseller_pk) is not distinct from (${keys})
            or users.deleted_at is not null and memberships.name_key is null and user_id is null))::integer as right
          from memberships join users on users.pk = user_pk`,
      ),
    )
    assert.ok(row && row.members > 0)
    assert.equal(row.right, row.members)
  })
}

/** How PostgreSQL reads the users of places; a sample of few users never finds a place with many. */
export function userPlacesSuite(open: OpenStore): void {
  test('the planner may scan again after a query along an index, also after one that failed', async () => {
    const store = await open()
    const settings = sql`select current_setting('enable_seqscan') as seq, current_setting('enable_bitmapscan') as bitmap`
    await store.read(async (tx) => {
      const during = await queryAlongIndex(tx, settings)
      const after = await query(tx, settings)
      assert.deepEqual(
        [...during, ...after],
        [
          { seq: 'off', bitmap: 'off' },
          { seq: 'on', bitmap: 'on' },
        ],
      )
    })
    await assert.rejects(
      store.read((tx) => queryAlongIndex(tx, sql`select 1 / 0`)),
      /division by zero/,
    )
    assert.deepEqual(await store.read((tx) => query(tx, settings)), [{ seq: 'on', bitmap: 'on' }])
  })

  test('a place is read in the same order by its index and along the list', async () => {
    const store = await open()
    const [provider, other] = [await addProvider(store), await addProvider(store)]
    const organizations = [
      await addOrganization(store, provider, 'customer'),
      await addOrganization(store, provider, 'customer'),
      await addOrganization(store, other, 'customer'),
    ]
    const people = []
    for (let i = 0; i < 60; i++) {
      const organization = organizations[i % 3] ?? assert.fail()
      const firstName = i % 13 === 0 ? null : `${['Ab', 'Ac', '\u0430', '\u5b89', 'Z'][i % 5]}${i % 4}`
      const email = i % 7 === 0 ? null : `${['a', 'Bo', 'bz'][i % 3]}.${i}@x.example`
      const user = { id: newId(), organizationPk: organization.pk, firstName, lastName: `Ann ${i}`, email }
      const pk = (await store.write((tx) => insertUser(tx, user))) ?? assert.fail()
      const emailKey = email?.toLowerCase() ?? null
      if (organization.providerPk === provider.pk)
        people.push({ pk, ...user, emailKey, nameKey: nameKeyOf({ ...user, emailKey }) })
    }
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 100))
    for (const by of ['name', 'email'] as const)
      for (const ascending of [true, false])
        for (const isDense of [true, false])
          for (const where of [undefined, sql<boolean>`users.organization_pk = ${organizations[0]?.pk}`]) {
            const expected: number[] = people
              .filter((one) => !where || one.organizationPk === organizations[0]?.pk)
              .sort((one, another) =>
                by === 'name'
                  ? compare(one.nameKey, another.nameKey) || compare(one.id, another.id)
                  : compare(one.emailKey ?? '\u{10ffff}', another.emailKey ?? '\u{10ffff}') ||
                    one.organizationPk - another.organizationPk ||
                    one.pk - another.pk,
              )
              .map(({ pk }) => pk)
            if (!ascending) expected.reverse()
            const found = await store.read(async (tx) => {
              const starts = await query<{ start: string }>(
                tx,
                sql`select start from user_places where provider_pk = ${provider.pk} and sort = ${by} order by start`,
              )
              const places = starts.map(
                ({ start }, i): Place => ({
                  start,
                  following: starts[i + 1]?.start ?? null,
                  ...{ total: 10, found: isDense ? 10 : 0, each: null },
                }),
              )
              if (!ascending) places.reverse()
              const search = { providerPk: provider.pk, words: ['ann'], groups: [] }
              const page = { order: { by, ascending }, offset: 0, limit: 50, where }
              // The last ends are among the users without an e-mail upwards, and the first ones downwards.
              for (const i of [0, 3, 9, expected.length - 2]) {
                const after = await selectPageEnd(tx, by, expected[i] ?? 0)
                const following = await readPlaces(tx, search, { page: { ...page, after }, places })
                assert.deepEqual(following, expected.slice(i + 1), `${by} ${ascending} ${isDense} ${i}`)
              }
              return readPlaces(tx, search, { page, places })
            })
            assert.deepEqual(found, expected, `${by} ${ascending} ${isDense}`)
          }
  })
}

function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
