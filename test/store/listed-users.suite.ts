import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EVERYTHING } from '../../src/model/conditions.ts'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { GROUP_NAMES, type Group } from '../../src/model/users.ts'
import type { Store, Tx } from '../../src/store/port.ts'
import { insertGroup, replaceMemberships, selectGroups } from '../../src/store/tables/groups.ts'
import { insertRelation } from '../../src/store/tables/organizations.ts'
import { markUserDeleted, updateUser } from '../../src/store/tables/users.ts'
import { selectListedUsers } from '../../src/store/users/listed-users.ts'
import { selectUserPage, selectUsersAfter } from '../../src/store/users/user-pages.ts'
import { addOrganization, addProvider, insertUser, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

/** What a list has of each user. */
export function listedUsersSuite(open: OpenStore): void {
  describe('the users of a list', () => listedTests(open))
}

/** The user number `n`, as a list has them: each combination of what differs between users. */
function describePerson(n: number, { customers, reseller, provider, groups }: World) {
  const organization = [...customers, reseller, provider][n % 5] ?? assert.fail()
  const inContext = organization.pk === customers[0]?.pk && n % 2 === 0
  return {
    organization,
    resellerPk: inContext ? reseller.pk : null,
    resellerId: inContext || organization.pk === reseller.pk ? reseller.id : null,
    groups: groups.filter((_, i) => (n >> i) % 2 === 1),
    firstName: n % 7 === 0 ? null : `First ${String(n).padStart(3, '0')}`,
    lastName: n % 3 === 0 ? null : 'Müller, "O’Neil"',
    email: n % 4 === 0 ? null : `user.${n}@example.com`,
    active: n % 6 !== 0,
    deleted: n % 11 === 0,
  }
}

interface World {
  readonly store: Store
  readonly provider: Organization
  readonly reseller: Organization
  readonly customers: readonly Organization[]
  /** By name, which is not the order of their primary keys. */
  readonly groups: readonly Group[]
}

const COUNT = 60

async function newWorld(open: OpenStore): Promise<World> {
  const store = await open()
  const provider = await addProvider(store)
  const reseller = await addOrganization(store, provider, 'reseller')
  const customers: Organization[] = []
  for (let i = 0; i < 3; i++) customers.push(await addOrganization(store, provider, 'customer'))
  await store.write((tx) => insertRelation(tx, customers[0]?.pk ?? 0, { pk: reseller.pk, now: NOW }))
  for (const name of [...GROUP_NAMES].reverse())
    await store.write((tx) => insertGroup(tx, { id: newId(), provider: provider.pk, name, now: NOW }))
  const groups = (await store.read((tx) => selectGroups(tx, provider.pk))).map((group) => ({ ...group }))
  return { store, provider, reseller, customers, groups }
}

async function addPeople(world: World) {
  const people = await world.store.write((tx) => insertPeople(tx, world))
  while ((await world.store.write((tx) => tx.userIndex.enlistUsers(tx, 100))) > 0);
  return people
}

async function insertPeople(tx: Tx, world: World) {
  const people = []
  for (let n = 0; n < COUNT; n++) {
    const person = describePerson(n, world)
    const { organization, groups, deleted, resellerId, ...content } = person
    const id = newId()
    const pk = (await insertUser(tx, { id, organizationPk: organization.pk, ...content })) ?? assert.fail()
    await updateUser(tx, pk, { ...content, now: NOW })
    await replaceMemberships(tx, pk, groups)
    if (deleted) await markUserDeleted(tx, pk, NOW)
    people.push({
      user: {
        ...{ pk, id, organizationPk: organization.pk, providerPk: world.provider.pk, ...content },
        ...{ version: deleted ? 3 : 2, createdAt: NOW, updatedAt: NOW, deletedAt: deleted ? NOW : null },
      },
      organization: { pk: organization.pk, id: organization.id, kind: organization.kind },
      groups,
      resellerId,
    })
  }
  return people
}

function listedTests(open: OpenStore): void {
  test('they have their columns, organization, reseller and groups by name, in every page', async () => {
    const world = await newWorld(open)
    const { store, provider, customers } = world
    const people = await addPeople(world)
    const byId = new Map(people.map((one) => [one.user.id, one]))
    const known = (ids: readonly { user: { id: string } }[]) => ids.map(({ user }) => byId.get(user.id))

    const pks = people.map(({ user }) => user.pk).reverse()
    const read = (keys: readonly number[]) => store.read((tx) => selectListedUsers(tx, keys))
    assert.deepEqual(await read(pks), [...people].reverse())
    assert.deepEqual(await read([]), [])
    assert.deepEqual(await read([pks[3] ?? 0, -1]), known([people[COUNT - 4] ?? assert.fail()]))

    const live = people.filter(({ user }) => user.deletedAt === null)
    const area = { providerPk: provider.pk }
    const all = { area, deleted: false, where: EVERYTHING, beingDeleted: [] }
    for (const ascending of [true, false])
      for (const limit of [1, 7, COUNT, 2_000]) {
        const items = []
        for (let offset = 0; offset < live.length; offset += limit) {
          const cut = { order: { by: 'name', ascending }, page: { offset, limit } } as const
          const page = await store.read((tx) => selectUserPage(tx, all, cut))
          items.push(...page.items)
        }
        assert.equal(new Set(items.map(({ user }) => user.id)).size, live.length)
        assert.deepEqual(items, known(items))
      }
    const deleted = await store.read((tx) =>
      selectUserPage(
        tx,
        { ...all, deleted: true },
        { order: { by: 'email', ascending: true }, page: { offset: 0, limit: 99 } },
      ),
    )
    assert.deepEqual(deleted.items, known(deleted.items))
    assert.equal(deleted.items.length, COUNT - live.length)
    const ofOne = { ...all, area: { ...area, organizationPk: customers[1]?.pk } }
    const { users } = await store.read((tx) => selectUsersAfter(tx, ofOne, { after: undefined, limit: 500 }))
    assert.deepEqual(users, known(users))
    assert.equal(users.length, live.filter(({ organization }) => organization.pk === customers[1]?.pk).length)
  })
}
