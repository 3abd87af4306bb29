import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import type { UserOrder } from '../../src/model/user-lists.ts'
import { type Group, nameKeyOf } from '../../src/model/users.ts'
import type { Store } from '../../src/store/port.ts'
import { insertGroup, replaceMemberships, selectGroups } from '../../src/store/tables/groups.ts'
import { markUserDeleted, markUserRestored, updateUser } from '../../src/store/tables/users.ts'
import { selectPageEnd } from '../../src/store/users/page-ends.ts'
import { addOrganization, addProvider, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

interface Person {
  pk: number
  readonly id: string
  firstName: string
  email: string | null
  groups: readonly Group[]
  deleted: boolean
}

interface World {
  readonly store: Store
  readonly customer: Organization
  readonly groups: readonly Group[]
  readonly people: Person[]
}

/** Searches for words and groups, in the order of lists. */
export function userSearchSuite(open: OpenStore): void {
  describe('searches for users', () => searchTests(open))
}

/** Makes a store with a provider, a customer and two groups. */
export async function newWorld(open: OpenStore): Promise<World> {
  const store = await open()
  const provider = await addProvider(store)
  const customer = await addOrganization(store, provider, 'customer')
  for (const name of ['A', 'B'])
    await store.write((tx) => insertGroup(tx, { id: newId(), provider: provider.pk, name, now: NOW }))
  const groups = await store.read((tx) => selectGroups(tx, provider.pk))
  return { store, customer, groups, people: [] }
}

/** Adds users, and takes them into the lists, some at a time. */
export async function add(
  { store, customer, people }: World,
  names: readonly string[],
  groups: readonly Group[],
  batch = 250,
) {
  const some = names.map((firstName, i): Person => {
    const email = i % 7 === 3 ? null : `${firstName}.${people.length + i}@x.example`
    return { pk: 0, id: newId(), firstName, email, groups: i % 3 === 0 ? groups : [], deleted: false }
  })
  const outcomes = await store.write((tx) =>
    tx.insertUsers(
      some.map(({ id, firstName, email, groups: own }) => ({
        user: {
          id,
          organizationPk: customer.pk,
          resellerPk: null,
          providerPk: customer.providerPk,
          firstName,
          lastName: null,
          email,
          now: NOW,
        },
        organizationId: customer.id,
        resellerId: null,
        emailKey: email,
        nameKey: nameKeyOf({ firstName, lastName: null, email, emailKey: email }),
        groups: own,
        entry: null,
      })),
    ),
  )
  for (const [i, person] of some.entries()) person.pk = Number(outcomes[i])
  people.push(...some)
  while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, batch))) > 0);
}

function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function keyOf(one: Person): string {
  return nameKeyOf({ ...one, lastName: null, emailKey: one.email })
}

/** Compares every page of several searches with the people. */
async function assertFound({ store, customer, people, groups }: World): Promise<void> {
  const [group] = groups
  const any = groups.map(({ pk }) => pk)
  for (const by of ['name', 'email'] as const)
    for (const ascending of [true, false])
      for (const [words, some] of [
        [[], [group?.pk ?? 0]],
        [[], any],
        [['exa'], []],
        [['na1'], []],
        [['na1', 'ampl'], any],
        [['na15', 'ampl'], []],
        [['nobody'], []],
      ] as [string[], number[]][]) {
        const expected = people
          .filter((one) => !one.deleted && words.every((word) => keyOf(one).includes(word)))
          .filter((one) => some.length === 0 || one.groups.some(({ pk }) => some.includes(pk)))
          .sort((one, other) => compareIn(by, one, other))
        if (!ascending) expected.reverse()
        const search = { providerPk: customer.providerPk, words, groups: some.length ? [some] : [] }
        const few = { order: { by, ascending }, offset: 0, limit: 1, few: 5_000 }
        const whole = await store.read((tx) => tx.userIndex.searchPage(tx, search, few))
        // PostgreSQL may find others if the search has groups.
        if (some.length === 0 && whole?.isAll)
          assert.deepEqual(new Set(whole.pks), new Set(expected.map(({ pk }) => pk)), JSON.stringify(search))
        for (const offset of [0, 3, 70, 400, expected.length - 2, expected.length].filter(
          (one) => one >= 0,
        )) {
          const pks = expected.slice(offset, offset + 40).map(({ pk }) => pk)
          const page = { order: { by, ascending }, offset, limit: 40 }
          const found = (await store.read((tx) => tx.userIndex.searchPage(tx, search, page)))?.pks
          // Groups or several words that many users have may be left to the order of the list.
          if (words.length === 1 || found) assert.deepEqual(found, pks, JSON.stringify({ search, page }))
          const last = expected[offset - 1]
          const after = last && (await store.read((tx) => selectPageEnd(tx, by, last.pk)))
          if (!found || !after) continue
          const following = await store.read((tx) =>
            tx.userIndex.searchPage(tx, search, { ...page, offset: 0, after }),
          )
          assert.deepEqual(following?.pks, pks, JSON.stringify({ search, page, after }))
        }
      }
}

function compareIn(by: UserOrder['by'], one: Person, other: Person): number {
  if (by === 'name') return compare(keyOf(one), keyOf(other)) || compare(one.id, other.id)
  return compare(one.email ?? '\u{10ffff}', other.email ?? '\u{10ffff}') || one.pk - other.pk
}

function searchTests(open: OpenStore): void {
  test('a search finds users in the order of the list, however they came into it', async () => {
    const world = await newWorld(open)
    const { groups } = world
    const random = Array.from({ length: 700 }, (_, i) => `na${(i * 7919) % 701}`)
    await add(world, random, groups.slice(0, 1))
    await add(
      world,
      Array.from({ length: 400 }, (_, i) => `na15${String(i).padStart(4, '0')}`),
      groups,
    )
    await add(
      world,
      Array.from({ length: 400 }, (_, i) => `na14${String(999 - i)}`),
      [],
      50,
    )
    await add(
      world,
      Array.from({ length: 300 }, () => 'na1-same'),
      groups.slice(1),
    )
    const scripts = [
      '\u00e9',
      '\u0430',
      '\u0451',
      '\u5b89',
      '\u{1f600}',
      'a\u{10ffff}',
      'z',
      '\ud7ff',
      '\ue000',
    ]
    await add(
      world,
      Array.from({ length: 120 }, (_, i) => `${scripts[i % scripts.length]}${i} na1`),
      groups,
    )
    await assertFound(world)
    const { store, people } = world
    for (const [i, person] of people.entries()) {
      if (i % 11 === 0) await store.write((tx) => markUserDeleted(tx, person.pk, NOW))
      if (i % 22 === 0) await store.write((tx) => markUserRestored(tx, person.pk, NOW))
      person.deleted = i % 11 === 0 && i % 22 !== 0
      if (i % 13 === 1 && !person.deleted) {
        person.firstName = `na1${i % 9}`
        const content = { resellerPk: null, firstName: person.firstName, lastName: null, email: person.email }
        await store.write((tx) => updateUser(tx, person.pk, { ...content, active: true, now: NOW }))
      }
      if (i % 17 === 2) {
        person.groups = i % 2 === 0 ? groups.slice(0, 1) : []
        await store.write((tx) => replaceMemberships(tx, person.pk, person.groups))
      }
    }
    await assertFound(world)
  })
}
