import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { ConstraintError, type Store } from '../../src/store/port.ts'
import {
  insertClient,
  markClientDeleted,
  selectClient,
  selectExternalClient,
} from '../../src/store/tables/clients.ts'
import { insertGroup } from '../../src/store/tables/groups.ts'
import {
  deleteExpiredResponses,
  insertRecordedResponse,
  type KeyedCaller,
  selectRecordedResponse,
} from '../../src/store/tables/idempotency-keys.ts'
import {
  deletePortalByDomain,
  insertPortal,
  insertRelation,
  isRelated,
  selectPortalOwner,
} from '../../src/store/tables/organizations.ts'
import { insertTenant, selectTenantByOrg } from '../../src/store/tables/tenants.ts'
import { markUserDeleted, selectUserByEmail, updateUser } from '../../src/store/tables/users.ts'
import { selectUsersInArea } from '../../src/store/tables/users-in-area.ts'
import { addOrganization, addProvider, NOW, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const LATER = '2026-11-22T09:00:00.000Z'

/** What each table refuses, and what it deletes. */
export function tablesSuite(open: OpenStore): void {
  describe('tables', () => {
    userTests(open)
    organizationTests(open)
    tenantTests(open)
    clientTests(open)
    idempotencyTests(open)
  })
}

function userTests(open: OpenStore): void {
  test('an e-mail is unique in its organization, ignoring case, and free in others', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const customer = await addOrganization(store, provider, 'customer')
    assert.ok(await store.write((tx) => putUser(tx, provider.pk, 'Ä@example.com')))
    assert.equal(await store.write((tx) => putUser(tx, provider.pk, 'ä@EXAMPLE.com')), undefined)
    assert.ok(await store.write((tx) => putUser(tx, customer.pk, 'ä@example.com')))
  })

  test('any number of users may have no e-mail', async () => {
    const store = await open()
    const { pk } = await addProvider(store)
    for (let i = 0; i < 3; i++) assert.ok(await store.write((tx) => putUser(tx, pk, null)))
  })

  test('a deleted user keeps its id but not its e-mail, and can be restored while that is free', async () => {
    const store = await open()
    const { pk: organization } = await addProvider(store)
    const area = { providerPk: organization, organizationPk: organization }
    const findDeleted = async (email: string): Promise<number[]> => {
      const named = { email, state: 'deleted', limit: 2 } as const
      return (await store.read((tx) => selectUsersInArea(tx, area, named))).map(({ pk }) => pk)
    }
    const id = newId()
    const pk = (await store.write((tx) => putUser(tx, organization, 'a@x', id))) ?? 0
    await store.write((tx) => markUserDeleted(tx, pk, NOW))
    assert.equal(await store.read((tx) => selectUserByEmail(tx, organization, 'a@x')), undefined)
    assert.deepEqual(await findDeleted('A@X'), [pk])
    assert.equal(await store.write((tx) => putUser(tx, organization, 'b@x', id)), undefined)
    const second = (await store.write((tx) => putUser(tx, organization, 'a@x'))) ?? 0
    const content = { resellerPk: null, firstName: 'A', lastName: null, active: true }
    const restore = (): Promise<void> =>
      store.write((tx) => updateUser(tx, pk, { ...content, email: 'a@x', now: NOW }))
    await assert.rejects(restore(), ConstraintError)
    await store.write((tx) => markUserDeleted(tx, second, NOW))
    assert.deepEqual(await findDeleted('a@x'), [second, pk])
    await restore()
    const back = await store.read((tx) => selectUserByEmail(tx, organization, 'a@x'))
    assert.deepEqual([back?.pk, back?.firstName, back?.deletedAt], [pk, 'A', null])
  })

  test('a user who shares an address keeps the key of their own, as long as only the letter case changes', async () => {
    const store = await open()
    const { pk: organization } = await addProvider(store)
    const older = await store.write((tx) => putUser(tx, organization, 'a@x'))
    const id = newId()
    const pk = (await store.write((tx) => putUser(tx, organization, 'b@x', id))) ?? 0
    const shared = { email: 'a@x', email_key: `a@x ${id}` }
    await store.write((tx) => tx.query((db) => db.updateTable('users').set(shared).where('pk', '=', pk)))
    const change = { resellerPk: null, firstName: 'B', lastName: null, active: true, now: NOW }
    await store.write((tx) => updateUser(tx, pk, { ...change, email: 'A@x', keepsKey: true }))
    assert.equal((await store.read((tx) => selectUserByEmail(tx, organization, 'a@x')))?.pk, older)
    const taken = store.write((tx) => updateUser(tx, pk, { ...change, email: 'A@x' }))
    await assert.rejects(taken, ConstraintError)
    await store.write((tx) => updateUser(tx, pk, { ...change, email: 'c@x' }))
    assert.equal((await store.read((tx) => selectUserByEmail(tx, organization, 'c@x')))?.firstName, 'B')
  })
}

function organizationTests(open: OpenStore): void {
  test('a portal domain belongs to one organization', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const reseller = await addOrganization(store, provider, 'reseller')
    const put = (organization: number): Promise<boolean> =>
      store.write((tx) => insertPortal(tx, { domain: 'portal.example', organization, now: NOW }))
    assert.equal(await put(provider.pk), true)
    assert.equal(await put(reseller.pk), false)
    const found = await store.read((tx) => selectPortalOwner(tx, 'portal.example'))
    assert.equal(found?.id, provider.id)
    assert.equal(await store.write((tx) => deletePortalByDomain(tx, 'portal.example')), true)
    assert.equal(await store.write((tx) => deletePortalByDomain(tx, 'portal.example')), false)
    assert.equal(await put(reseller.pk), true)
  })

  test('a customer is related to a reseller once, however often the relation is inserted', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const reseller = await addOrganization(store, provider, 'reseller')
    const customer = await addOrganization(store, provider, 'customer')
    for (let i = 0; i < 2; i++)
      await store.write((tx) => insertRelation(tx, customer.pk, { pk: reseller.pk, now: NOW }))
    assert.equal(await store.read((tx) => isRelated(tx, customer.pk, reseller.pk)), true)
    assert.equal(await store.read((tx) => isRelated(tx, reseller.pk, customer.pk)), false)
  })

  test('a group name is unique in its provider', async () => {
    const store = await open()
    const [one, other] = [await addProvider(store), await addProvider(store)]
    const put = (provider: number): Promise<void> =>
      store.write((tx) => insertGroup(tx, { id: newId(), provider, name: 'Viewer', now: NOW }))
    await put(one.pk)
    await assert.rejects(put(one.pk), ConstraintError)
    await put(other.pk)
  })
}

function tenantTests(open: OpenStore): void {
  test('an org has one tenant in a provider and platform, and a customer one tenant on a platform', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const [one, other] = [
      await addOrganization(store, provider, 'customer'),
      await addOrganization(store, provider, 'customer'),
    ]
    const put = (organization: Organization, platform: string, orgIds: string[]): Promise<unknown> =>
      store.write((tx) =>
        insertTenant(tx, {
          id: newId(),
          organization,
          platform,
          name: 'n',
          orgIds,
          now: NOW,
        }),
      )
    await put(one, 'p', ['b', 'a'])
    await assert.rejects(put(one, 'p', []), ConstraintError)
    await assert.rejects(put(other, 'p', ['c', 'a']), ConstraintError)
    assert.equal(
      await store.read((tx) => selectTenantByOrg(tx, provider.pk, { prefer: 'p', id: 'c' })),
      undefined,
    )
    await put(other, 'q', ['a'])
    const find = (prefer: string) =>
      store.read(async (tx) => (await selectTenantByOrg(tx, provider.pk, { prefer, id: 'a' }))?.orgIds)
    assert.deepEqual([await find('p'), await find('q'), await find('r')], [['b', 'a'], ['a'], ['b', 'a']])
  })
}

function clientTests(open: OpenStore): void {
  test('an external id belongs to one client of its issuer, until that client is removed', async () => {
    const store = await open()
    const { pk } = await addProvider(store)
    const put = (id: string, issuer: string | null, externalId: string | null): Promise<void> =>
      store.write((tx) =>
        insertClient(tx, {
          id,
          organization: pk,
          name: id,
          permission: 'administrator',
          secretHash: null,
          externalIssuer: issuer,
          externalId,
          now: NOW,
        }),
      )
    await put('a', 'i', 'x')
    await assert.rejects(put('b', 'i', 'x'), ConstraintError)
    await put('b', 'j', 'x')
    await put('c', null, null)
    await put('d', null, null)
    const a = await store.read((tx) => selectExternalClient(tx, 'i', 'x'))
    assert.equal(a?.id, 'a')
    await store.write((tx) => markClientDeleted(tx, a?.pk ?? 0, NOW))
    assert.equal(await store.read((tx) => selectClient(tx, 'a')), undefined)
    await put('e', 'i', 'x')
    assert.equal((await store.read((tx) => selectExternalClient(tx, 'i', 'x')))?.id, 'e')
  })
}

function idempotencyTests(open: OpenStore): void {
  test('a response is stored once, found until it expires, and replaced only then', async () => {
    const store = await open()
    for (const caller of [await addCaller(store), newPerson()]) {
      const put = (response: string, now: string, expiresAt: string): Promise<boolean> =>
        store.write((tx) =>
          insertRecordedResponse(tx, caller, { key: 'k', requestHash: 'h', response, expiresAt, now }),
        )
      const find = async (now: string): Promise<string | undefined> =>
        (await store.read((tx) => selectRecordedResponse(tx, caller, { key: 'k', now })))?.response
      assert.equal(await put('first', NOW, LATER), true)
      assert.equal(await put('second', NOW, LATER), false)
      assert.equal(await find(NOW), 'first')
      assert.equal(await find('2026-11-22T08:59:59.999Z'), 'first')
      assert.equal(await find(LATER), undefined)
      assert.equal(await put('third', LATER, '2026-11-23T08:00:00.000Z'), true)
      assert.equal(await find(LATER), 'third')
    }
  })

  test('idempotency keys of different callers are independent', async () => {
    const store = await open()
    const callers = [await addCaller(store), await addCaller(store), newPerson(), newPerson()]
    for (const caller of callers) {
      const row = { key: 'k', requestHash: 'h', response: caller.id, expiresAt: LATER, now: NOW }
      assert.equal(await store.write((tx) => insertRecordedResponse(tx, caller, row)), true)
    }
    for (const caller of callers) {
      const found = await store.read((tx) => selectRecordedResponse(tx, caller, { key: 'k', now: NOW }))
      assert.equal(found?.response, caller.id)
    }
  })

  test('only expired responses are deleted', async () => {
    const store = await open()
    const callers = [await addCaller(store), newPerson()]
    for (const caller of callers) {
      for (const [key, expiresAt] of [
        ['old', NOW],
        ['new', LATER],
      ] as const) {
        const row = { key, requestHash: 'h', response: '1', expiresAt, now: '2026-11-22T07:00:00.000Z' }
        await store.write((tx) => insertRecordedResponse(tx, caller, row))
      }
    }
    assert.equal(await store.write((tx) => deleteExpiredResponses(tx, NOW)), 1)
    assert.equal(await store.write((tx) => deleteExpiredResponses(tx, NOW)), 0)
    const now = '2026-11-22T07:00:00.000Z'
    for (const caller of callers) {
      assert.ok(await store.read((tx) => selectRecordedResponse(tx, caller, { key: 'new', now })))
      assert.equal(
        await store.read((tx) => selectRecordedResponse(tx, caller, { key: 'old', now })),
        undefined,
      )
    }
  })
}

async function addCaller(store: Store): Promise<KeyedCaller> {
  const pk = await addClient(store)
  return { kind: 'client', pk, id: `client ${pk}` }
}

function newPerson(): KeyedCaller {
  return { kind: 'person', id: newId() }
}

async function addClient(store: Store): Promise<number> {
  const { pk: organization } = await addProvider(store)
  const id = newId()
  const none = { secretHash: null, externalIssuer: null, externalId: null }
  await store.write((tx) =>
    insertClient(tx, { id, organization, name: 'n', permission: 'administrator', ...none, now: NOW }),
  )
  return (await store.read((tx) => selectClient(tx, id)))?.pk ?? 0
}
