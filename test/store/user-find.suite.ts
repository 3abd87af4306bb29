import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { nameKeyOf } from '../../src/model/users.ts'
import type { Store, Tx, UserArea, UserWords } from '../../src/store/port.ts'
import { readArea, readFirst, readIndex } from '../../src/store/postgres/user-find.ts'
import { insertRelation } from '../../src/store/tables/organizations.ts'
import { markUserDeleted } from '../../src/store/tables/users.ts'
import { addOrganization, addProvider, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'
import { type Engine, explainAll } from './query-plans.suite.ts'

interface Person {
  readonly pk: number
  readonly key: string
  readonly organization: Organization
  readonly reseller: Organization | null
  readonly isDeleted: boolean
}

interface World {
  readonly store: Store
  readonly people: readonly Person[]
  readonly provider: Organization
  readonly other: Organization
  readonly resellers: readonly Organization[]
  /** Of the first reseller, of both, of none, and a deleted one of the first. */
  readonly customers: readonly Organization[]
}

/** One way to find users of an area. */
export type Find = (tx: Tx, area: UserArea, search: UserWords) => Promise<readonly number[]>

/**
 * What words find in an area.
 * @param ways further ways to find exactly these users; `narrow` ones work for a part of a provider
 */
export function userFindSuite(
  open: OpenStore,
  ways: { readonly any?: readonly Find[]; readonly narrow?: readonly Find[] } = {},
): void {
  describe('finding users of an area', () => {
    test('words find exactly the live users of the area who have all of them', async () => {
      const world = await newWorld(open)
      const engine: Find = async (tx, area, search) => (await tx.userIndex.findUsers(tx, area, search)).pks
      for (const area of listAreas(world)) {
        const isNarrow = area.organizationPk !== undefined || area.resellerPk !== undefined
        const finds = [engine, ...(ways.any ?? []), ...(isNarrow ? (ways.narrow ?? []) : [])]
        await world.store.read(async (tx) => {
          for (const words of WORDS)
            for (const [name, find] of finds.entries())
              await assertFinds(tx, world, { area, words, find, name })
        })
      }
    })

    test('few users of an area are found, also if very many others come before them', async () => {
      const store = await open()
      const provider = await addProvider(store)
      const [reseller, customer] = [
        await addOrganization(store, provider, 'reseller'),
        await addOrganization(store, provider, 'customer'),
      ]
      const toRow = (organization: Organization, firstName: string) => ({
        user: {
          ...{ id: newId(), organizationPk: organization.pk, resellerPk: null, now: NOW },
          ...{ providerPk: provider.pk, firstName, lastName: 'Hopper', email: null },
        },
        ...{ organizationId: organization.id, resellerId: null, emailKey: null, groups: [], entry: null },
        nameKey: nameKeyOf({ firstName, lastName: 'Hopper', email: null, emailKey: null }),
      })
      const rows = [
        ...Array.from({ length: 3_100 }, () => toRow(customer, 'Ada')),
        toRow(reseller, 'Zoe'),
        toRow(reseller, 'Zuse'),
      ]
      const pks = (await store.write((tx) => tx.insertUsers(rows))).slice(-2).map(Number)
      while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, 1_000))) > 0);
      const area = { providerPk: provider.pk, resellerPk: reseller.pk }
      const found = await store.read((tx) =>
        tx.userIndex.findUsers(tx, area, { words: ['hopper'], limit: 6 }),
      )
      assert.deepEqual([...found.pks].sort(byNumber), pks)
    })
  })
}

const WORDS = [
  ['ada'],
  ['tony'],
  ['ony'],
  ['example'],
  ['ada', 'hopper'],
  ['hop', 'to'],
  ['grace', 'example', 'x'],
  ['ada.hopper.1'],
  ['ada.lovelace.1.0@x.example'],
  ['ada.lovelace.1.1@x.example'],
  ['lovelace.1.0@x.exampla'],
  ['@x.exa'],
  ['a%a'],
  ['a_a'],
  ['b\\c'],
  ["o'n"],
  ['\u{1f600}\u{1f600}\u{1f600}'],
  ['zzyzx'],
  ['ada', 'zzyzx'],
  ['ada'.repeat(80)],
]

async function assertFinds(
  tx: Tx,
  { people, customers }: World,
  { area, words, find, name }: { area: UserArea; words: string[]; find: Find; name: number },
): Promise<void> {
  const expected = people
    .filter(({ key, isDeleted }) => !isDeleted && words.every((word) => key.includes(word)))
    .filter((person) => isIn(person, area, customers))
    .map(({ pk }) => pk)
  const what = JSON.stringify({ area, words, name })
  const all = await find(tx, area, { words, limit: 1_000 })
  assert.deepEqual([...all].sort(byNumber), expected, what)
  const some = await find(tx, area, { words, limit: 2 })
  assert.equal(some.length, Math.min(2, expected.length), what)
  assert.ok(
    some.every((pk) => expected.includes(pk)),
    what,
  )
}

function byNumber(one: number, other: number): number {
  return one - other
}

function isIn(
  { organization, reseller }: Person,
  { providerPk, organizationPk, resellerPk }: UserArea,
  [first, both, , deleted]: readonly Organization[],
): boolean {
  if (organization === deleted) return false
  if ((organization.providerPk ?? organization.pk) !== providerPk) return false
  if (organizationPk !== undefined) return organization.pk === organizationPk
  if (resellerPk === undefined || organization.pk === resellerPk) return true
  const related = resellerPk === both?.pk ? [] : [first, both]
  return related.includes(organization) && (reseller === null || reseller.pk === resellerPk)
}

function listAreas({ provider, other, resellers, customers }: World): UserArea[] {
  const [reseller] = resellers
  const [first, both] = customers
  return [
    { providerPk: provider.pk },
    { providerPk: other.pk },
    { providerPk: provider.pk, resellerPk: reseller?.pk },
    { providerPk: provider.pk, organizationPk: first?.pk },
    { providerPk: provider.pk, organizationPk: both?.pk },
  ]
}

async function newWorld(open: OpenStore): Promise<World> {
  const store = await open()
  const [provider, other] = [await addProvider(store), await addProvider(store)]
  const add = (kind: 'reseller' | 'customer', of = provider): Promise<Organization> =>
    addOrganization(store, of, kind)
  const resellers = [await add('reseller'), await add('reseller')]
  const customers = [
    await add('customer'),
    await add('customer'),
    await add('customer'),
    await add('customer'),
  ]
  const [first, both, , deleted] = customers as [Organization, Organization, Organization, Organization]
  const [one, two] = resellers as [Organization, Organization]
  for (const [customer, reseller] of [
    [first, one],
    [both, one],
    [both, two],
    [deleted, one],
  ] as const)
    await store.write((tx) => insertRelation(tx, customer.pk, { pk: reseller.pk, now: NOW }))
  const foreign = await add('customer', other)
  const homes = [
    ...customers.map((customer) => [customer, null] as const),
    ...([
      [first, one],
      [both, one],
      [both, two],
      [one, null],
      [two, null],
      [foreign, null],
    ] as const),
  ]
  const people = await addPeople(store, homes)
  await store.write((tx) =>
    tx.query((db) => db.updateTable('organizations').set({ deleted_at: NOW }).where('pk', '=', deleted.pk)),
  )
  return { store, people, provider, other, resellers, customers }
}

const FIRST = [
  'Ada',
  'Tony',
  'Grace',
  'Adalbert',
  'a%a',
  'a_a',
  'B\\c',
  "O'Neil",
  '\u{1f600}\u{1f600}\u{1f600}',
]
const LAST = ['Hopper', 'Lovelace', 'Stone']

async function addPeople(
  store: Store,
  homes: readonly (readonly [Organization, Organization | null])[],
): Promise<Person[]> {
  const people: Person[] = []
  for (const [organization, reseller] of homes) {
    const named = FIRST.flatMap((firstName) => LAST.map((lastName) => ({ firstName, lastName })))
    const rows = named.map(({ firstName, lastName }, i) => {
      const email =
        i % 4 === 3 ? null : `${firstName}.${lastName}.${i}.${people.length}@x.example`.toLowerCase()
      const names = { firstName, lastName, email }
      return { names, nameKey: nameKeyOf({ ...names, emailKey: email }) }
    })
    const outcomes = await store.write((tx) =>
      tx.insertUsers(
        rows.map(({ names, nameKey }) => ({
          user: {
            ...{ id: newId(), organizationPk: organization.pk, resellerPk: reseller?.pk ?? null, now: NOW },
            ...{ providerPk: organization.providerPk ?? organization.pk, ...names },
          },
          ...{ organizationId: organization.id, resellerId: reseller?.id ?? null, emailKey: names.email },
          ...{ nameKey, groups: [], entry: null },
        })),
      ),
    )
    for (const [i, pk] of outcomes.entries())
      people.push({
        pk: Number(pk),
        key: rows[i]?.nameKey ?? '',
        organization,
        reseller,
        isDeleted: i % 9 === 8,
      })
  }
  for (const { pk, isDeleted } of people)
    if (isDeleted) await store.write((tx) => markUserDeleted(tx, pk, NOW))
  while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, 1_000))) > 0);
  return people
}

/** How PostgreSQL finds users: it must never read all of them. Of few users, it may take any index. */
export function userFindPlansSuite(open: OpenStore, engine: Engine): void {
  test('finding users of an area reads indexes', async () => {
    const { store, provider, resellers } = await newWorld(open)
    const search = { words: ['ada', 'hopper'], limit: 6 }
    const area = { providerPk: provider.pk, resellerPk: resellers[0]?.pk }
    for (const find of [readArea, readFirst, readIndex]) {
      const plans = await store.read((tx) => explainAll(tx, engine, (on) => find(on, area, search)))
      assert.doesNotMatch(plans.join(), /Seq Scan on users/)
      if (find === readIndex) assert.match(plans.at(-1) ?? '', engine.searches)
    }
  })
}
