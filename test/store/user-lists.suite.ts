import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EVERYTHING } from '../../src/model/conditions.ts'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { toSearchWords, type UserOrder } from '../../src/model/user-lists.ts'
import { type Group, nameKeyOf } from '../../src/model/users.ts'
import type { Store } from '../../src/store/port.ts'
import { insertGroup, replaceMemberships, selectGroups } from '../../src/store/tables/groups.ts'
import { insertRelation } from '../../src/store/tables/organizations.ts'
import { markUserDeleted, markUserRestored, updateUser } from '../../src/store/tables/users.ts'
import type { KnownEnd } from '../../src/store/users/page-ends.ts'
import { selectFarPks, selectUserPage } from '../../src/store/users/user-pages.ts'
import { rounds } from '../../testing/full-length.ts'
import { addOrganization, addProvider, insertUser, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

/** Lists of users, whatever changed them before, and whether their indexes know them. */
export function userListsSuite(open: OpenStore): void {
  describe('lists of users', () => listTests(open))
}

interface Person {
  readonly pk: number
  readonly id: string
  readonly organization: Organization
  reseller: number | null
  firstName: string | null
  lastName: string | null
  email: string | null
  groups: readonly Group[]
  deleted: boolean
}

interface World {
  readonly store: Store
  readonly provider: Organization
  readonly reseller: Organization
  readonly organizations: readonly Organization[]
  readonly groups: readonly Group[]
  readonly people: Person[]
}

async function newWorld(open: OpenStore): Promise<World> {
  const store = await open()
  const provider = await addProvider(store)
  const reseller = await addOrganization(store, provider, 'reseller')
  const related = await addOrganization(store, provider, 'customer')
  const other = await addOrganization(store, provider, 'customer')
  await store.write((tx) => insertRelation(tx, related.pk, { pk: reseller.pk, now: NOW }))
  for (const name of ['A', 'B'])
    await store.write((tx) => insertGroup(tx, { id: newId(), provider: provider.pk, name, now: NOW }))
  const groups = await store.read((tx) => selectGroups(tx, provider.pk))
  return {
    store,
    provider,
    reseller,
    organizations: [provider, reseller, related, other],
    groups,
    people: [],
  }
}

/** With this first and last name, the key by name does not have the e-mail. */
const LONG = '\u{1f600}'.repeat(255)
/** Separates the parts of a key. */
const SEPARATED = 'x\u0001y'
const NAMES = ['Ada', 'ADA', 'Zoë', null, 'Anna Maria', '100%_', 'ada lovelace', LONG, SEPARATED] as const

/** Changes something, chosen by two numbers. */
async function change(
  { store, people, organizations, groups, reseller }: World,
  kind: number,
  n: number,
): Promise<void> {
  const [firstName, lastName] = [NAMES[n % NAMES.length] ?? null, NAMES[(n >> 3) % NAMES.length] ?? null]
  const email = n % 5 === 0 ? null : `${n}.${people.length}@${n % 3 === 0 ? 'müller' : 'plain'}.example`
  if (kind === 0 || people.length === 0) {
    const organization = organizations[n % organizations.length] ?? assert.fail()
    const user = { id: newId(), organizationPk: organization.pk, firstName, lastName, email }
    const pk = (await store.write((tx) => insertUser(tx, user))) ?? assert.fail()
    people.push({ pk, organization, reseller: null, groups: [], deleted: false, ...user })
    return
  }
  if (kind === 1) {
    await store.write((tx) => tx.userIndex.enlistUsers(tx, (n % 4) + 1))
    return
  }
  const person = people[n % people.length] ?? assert.fail()
  if (kind === 2) {
    await store.write((tx) => markUserDeleted(tx, person.pk, NOW))
    person.deleted = true
  } else if (kind === 3) {
    await store.write((tx) => markUserRestored(tx, person.pk, NOW))
    person.deleted = false
  } else if (kind === 5) {
    person.groups = groups.filter((_, i) => (n >> 4) & (1 << i))
    await store.write((tx) => replaceMemberships(tx, person.pk, person.groups))
  } else if (!person.deleted) {
    const isRelated = person.organization === organizations[2]
    Object.assign(person, {
      firstName,
      lastName,
      email,
      reseller: isRelated && n % 2 === 0 ? reseller.pk : null,
    })
    const { reseller: resellerPk } = person
    const content = { resellerPk, firstName, lastName, email, active: true, now: NOW }
    await store.write((tx) => updateUser(tx, person.pk, content))
  }
}

function emailKeyOf({ email }: Person): string | null {
  return email?.toLowerCase().replace('müller', 'xn--mller-kva') ?? null
}

function keyOf(person: Person): string {
  return nameKeyOf({ ...person, emailKey: emailKeyOf(person) })
}

/** Compares people in the order of a list, upwards. */
function compareIn(by: UserOrder['by'], one: Person, other: Person): number {
  if (by === 'name') return compare(keyOf(one), keyOf(other)) || compare(one.id, other.id)
  const [key, otherKey] = [one, other].map((person) => emailKeyOf(person) ?? '\u{10ffff}') as [string, string]
  return compare(key, otherKey) || one.organization.pk - other.organization.pk || one.pk - other.pk
}

function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function listTests(open: OpenStore): void {
  test('a list has exactly the users that match, in order, after any changes', async () => {
    const anySteps = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.nat(999)), { maxLength: 25 })
    const anyCriteria = fc.record({
      area: fc.constantFrom('provider', 'reseller', 'organization'),
      deleted: fc.boolean(),
      search: fc.constantFrom(
        '',
        'ada',
        'a',
        'lovelace ada',
        'müller',
        'xn--',
        '%_',
        'example',
        'ΑΔΑ',
        '"ada"',
      ),
      some: fc.constantFrom<readonly number[]>([], [], [0], [1], [0, 1]),
      ascending: fc.boolean(),
      by: fc.constantFrom<UserOrder['by']>('name', 'email'),
    })
    const world = await newWorld(open)
    const { store, provider, reseller, organizations, groups, people } = world
    const property = fc.asyncProperty(
      anySteps,
      fc.array(anyCriteria, { maxLength: 6 }),
      async (steps, all) => {
        for (const [kind, n] of steps) await change(world, kind, n)
        while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, 3))) > 0);
        for (const { area, deleted, search, some, by, ascending } of all) {
          const organization = organizations[2] ?? assert.fail()
          const words = toSearchWords(search)
          const isIn = (one: Person): boolean => {
            if (area === 'organization') return one.organization === organization
            if (area === 'provider') return true
            return [reseller, organization].includes(one.organization)
          }
          const isMember = (one: Person): boolean =>
            some.length === 0 || some.some((i) => one.groups.some(({ pk }) => pk === groups[i]?.pk))
          const expected = people
            .filter((one) => one.deleted === deleted && isIn(one) && isMember(one))
            .filter((one) => words.every((word) => keyOf(one).includes(word)))
            .sort((one, other) => compareIn(by, one, other))
          const page = { offset: 2, limit: 5 }
          const inGroups = { field: 'group', in: some.map((i) => groups[i]?.pk ?? 0) } as const
          const where = {
            all: [
              ...words.map((contains) => ({ field: 'text', contains }) as const),
              ...(some.length > 0 ? [inGroups] : []),
            ],
          }
          const found = await store.read((tx) =>
            selectUserPage(
              tx,
              {
                area: {
                  providerPk: provider.pk,
                  organizationPk: area === 'organization' ? organization.pk : undefined,
                  resellerPk: area === 'reseller' ? reseller.pk : undefined,
                },
                deleted,
                where,
                beingDeleted: [],
              },
              { order: { by, ascending }, page },
            ),
          )
          assert.deepEqual([found.total, found.more], [expected.length, expected.length > 7])
          if (!ascending) expected.reverse()
          assert.deepEqual(
            found.items.map(({ user }) => user.id),
            expected.slice(2, 7).map(({ id }) => id),
          )
        }
      },
    )
    await fc.assert(property, { numRuns: rounds(4, 60) })
  })

  test('a far page is found by counting, and is the same as by skipping', async () => {
    const world = await newWorld(open)
    const { store, provider } = world
    const criteria = {
      area: { providerPk: provider.pk },
      deleted: false,
      where: EVERYTHING,
      beingDeleted: [],
    }
    const anySteps = fc.array(fc.tuple(fc.constantFrom(0, 0, 1, 2, 3, 4), fc.nat(999)), { maxLength: 30 })
    const property = fc.asyncProperty(anySteps, async (steps) => {
      for (const [kind, n] of steps) await change(world, kind, n)
      while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, 7))) > 0);
      for (const by of ['name', 'email'] as const)
        for (const ascending of [true, false])
          for (const offset of [0, 1, 5, 11]) {
            const cut = { order: { by, ascending }, page: { offset, limit: 4 } }
            await store.read(async (tx) => {
              const { items, total } = await selectUserPage(tx, criteria, cut)
              if (offset >= total) return
              const far = await selectFarPks(tx, criteria, { ...cut, total })
              const hasNull = items.some(({ user }) => by === 'email' && user.email === null)
              if (far || !hasNull)
                assert.deepEqual(
                  far,
                  items.map(({ user }) => user.pk),
                )
            })
          }
    })
    await fc.assert(property, { numRuns: rounds(4, 40) })
  })

  test('pages that follow each other have each user once, also if users come and go meanwhile', async () => {
    const world = await newWorld(open)
    const { store, provider, reseller, people } = world
    const anySteps = fc.array(fc.tuple(fc.constantFrom(0, 0, 1, 2, 3, 4), fc.nat(999)), { maxLength: 30 })
    const meanwhile = fc.array(fc.tuple(fc.constantFrom(0, 2), fc.nat(999)), { maxLength: 12 })
    const property = fc.asyncProperty(
      anySteps,
      meanwhile,
      fc.boolean(),
      async (before, later, ofReseller) => {
        for (const [kind, n] of before) await change(world, kind, n)
        const area = { providerPk: provider.pk, ...(ofReseller && { resellerPk: reseller.pk }) }
        const criteria = { area, deleted: false, where: EVERYTHING, beingDeleted: [] }
        const steps = [...later]
        for (const by of ['name', 'email'] as const)
          for (const ascending of [true, false]) {
            while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, 7))) > 0);
            const order = { by, ascending }
            const all = await store.read((tx) =>
              selectUserPage(tx, criteria, { order, page: { offset: 0, limit: 10_000 } }),
            )
            const ends = new Map<string, KnownEnd>()
            const seen: string[] = []
            for (let offset = 0; ; offset += 3) {
              const page = { offset, limit: 3 }
              const { items, more } = await store.read((tx) =>
                selectUserPage(tx, criteria, { order, page, ends }),
              )
              seen.push(...items.map(({ user }) => user.id))
              if (!more) break
              const [step] = steps.splice(0, 1)
              if (step) await change(world, ...step)
              while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, 7))) > 0);
            }
            assert.equal(new Set(seen).size, seen.length)
            const gone = new Set(people.filter((one) => one.deleted).map(({ id }) => id))
            const stayed = all.items.map(({ user }) => user.id).filter((id) => !gone.has(id))
            const old = new Set(stayed)
            assert.deepEqual(
              seen.filter((id) => old.has(id)),
              stayed,
            )
          }
      },
    )
    await fc.assert(property, { numRuns: rounds(4, 40) })
  })

  test('pages have each user once, also where users of several organizations share an address', async () => {
    const { store, provider, reseller, organizations } = await newWorld(open)
    const [, , , other] = organizations
    await store.write((tx) => insertRelation(tx, other?.pk ?? 0, { pk: reseller.pk, now: NOW }))
    const ids: string[] = []
    for (const [i, { pk }] of organizations.slice(1).entries()) {
      const [id, sharing] = [newId(), newId()]
      const lastName = i === 0 ? SEPARATED : null
      const user = { organizationPk: pk, firstName: null, lastName, email: 'a@x.example' }
      await store.write(async (tx) => {
        const added = await insertUser(tx, { ...user, id: sharing, firstName: `${i}` })
        const email_key = `a@x.example ${sharing}`
        await tx.query((db) =>
          db
            .updateTable('users')
            .set({ email_key })
            .where('pk', '=', added ?? 0)
            .returning('pk'),
        )
        await insertUser(tx, { ...user, id })
      })
      ids.push(id, sharing)
    }
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 10))
    const area = { providerPk: provider.pk, resellerPk: reseller.pk }
    const criteria = { area, deleted: false, where: EVERYTHING, beingDeleted: [] }
    for (const ascending of [true, false]) {
      const ends = new Map<string, KnownEnd>()
      const seen: string[] = []
      for (let offset = 0; offset < ids.length; offset++) {
        const cut = { order: { by: 'email', ascending }, page: { offset, limit: 1 }, ends } as const
        const { items } = await store.read((tx) => selectUserPage(tx, criteria, cut))
        seen.push(...items.map(({ user }) => user.id))
      }
      assert.deepEqual(seen.toSorted(), ids.toSorted())
    }
  })

  test('after a change and a new first page, the other pages have each user once, in any order of calls', async () => {
    const { store, provider } = await newWorld(open)
    const criteria = {
      ...{ area: { providerPk: provider.pk }, deleted: false, where: EVERYTHING, beingDeleted: [] },
    }
    const ends = new Map<string, KnownEnd>()
    const add = async (firstName: string): Promise<void> => {
      const user = { id: newId(), organizationPk: provider.pk, firstName, lastName: null, email: null }
      await store.write((tx) => insertUser(tx, user))
      await store.write((tx) => tx.userIndex.enlistUsers(tx, 7))
    }
    const list = async (offset: number): Promise<(string | null)[]> => {
      const cut = { order: { by: 'name', ascending: true }, page: { offset, limit: 2 }, ends } as const
      const { items } = await store.read((tx) => selectUserPage(tx, criteria, cut))
      return items.map(({ user }) => user.firstName)
    }
    for (const name of ['a', 'b', 'c', 'e', 'f', 'g']) await add(name)
    for (const offset of [0, 2, 4]) await list(offset)
    await add('d')
    assert.deepEqual(await list(0), ['a', 'b'])
    assert.deepEqual(await list(4), ['e', 'f'])
    assert.deepEqual(await list(2), ['c', 'd'])
    assert.deepEqual(await list(6), ['g'])
  })

  test('organizations whose users are being deleted are left out', async () => {
    const { store, provider, organizations } = await newWorld(open)
    for (const { pk } of organizations)
      await store.write((tx) =>
        insertUser(tx, { id: newId(), organizationPk: pk, firstName: null, lastName: null, email: null }),
      )
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 10))
    const [, , gone] = organizations
    const criteria = { area: { providerPk: provider.pk }, deleted: false, beingDeleted: [gone?.pk ?? 0] }
    const cut = { order: { by: 'name', ascending: true }, page: { offset: 0, limit: 10 } } as const
    for (const where of [EVERYTHING, { field: 'text', contains: '\u0001' } as const]) {
      const { items, total } = await store.read((tx) => selectUserPage(tx, { ...criteria, where }, cut))
      assert.deepEqual([items.length, total], [3, 3])
    }
  })
}
