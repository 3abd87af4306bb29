import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { enterPortal } from '../../src/directory/context.ts'
import { getOrganizationOverview, searchOrganizations } from '../../src/directory/organization-overviews.ts'
import { deletePortal } from '../../src/directory/organizations.ts'
import { type CreateUserRequest, createUser } from '../../src/directory/users.ts'
import type { Context } from '../../src/model/context.ts'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { insertOrganization, insertPortal } from '../../src/store/tables/organizations.ts'
import { selectUser } from '../../src/store/tables/users.ts'
import {
  addClient,
  addOrganization,
  addPortal,
  getOrganization,
  listPeople,
  newTestDirectory,
  newUser,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

/** Two resellers with portals, a customer of each, and another provider with a portal and a customer. */
interface World {
  readonly on: TestDirectory
  readonly reseller: Context
  readonly customer: Context
  readonly otherReseller: Organization
  readonly otherCustomer: Organization
  readonly foreign: { readonly provider: Organization; readonly customer: Organization }
}

async function newWorld(open: OpenStore): Promise<World> {
  const on = await newTestDirectory(open)
  await addPortal(on, 'reseller.example', on.resellerId)
  const otherReseller = await addOrganization(on, 'reseller')
  await addPortal(on, 'other.example', otherReseller.id)
  const otherCustomer = await addOrganization(on, 'customer', [otherReseller.id])
  const reseller = await addClient(on, on.resellerId)
  const customer = await addClient(on, on.customerId)
  return { on, reseller, customer, otherReseller, otherCustomer, foreign: await addForeign(on) }
}

/** Another provider in the same store. Neither provider may reach the other. */
async function addForeign({ dir }: TestDirectory): Promise<World['foreign']> {
  return dir.store.write(async (tx) => {
    const root = { id: newId(), kind: 'provider', name: 'Foreign', providerPk: null, now: NOW } as const
    const provider = await insertOrganization(tx, root)
    await insertPortal(tx, { domain: 'foreign.example', organization: provider.pk, now: NOW })
    const below = {
      id: newId(),
      kind: 'customer',
      name: 'Foreign',
      providerPk: provider.pk,
      now: NOW,
    } as const
    return { provider, customer: await insertOrganization(tx, below) }
  })
}

export function reachSuite(open: OpenStore): void {
  describe('contexts', () => {
    portalTests(open)
  })
  describe('reach', () => {
    reachTests(open)
    resellerTests(open)
    permissionTests(open)
  })
}

function portalTests(open: OpenStore): void {
  test("a provider enters its own portal as itself, and a reseller's as that reseller", async () => {
    const { on } = await newWorld(open)
    const own = await enterPortal(on.dir, on.provider, 'portal.example')
    assert.deepEqual([own.organization.id, own.portal], [on.setup.provider.id, 'portal.example'])
    const narrowed = await enterPortal(on.dir, on.provider, 'reseller.example')
    assert.deepEqual([narrowed.organization.id, narrowed.organization.kind], [on.resellerId, 'reseller'])
    assert.equal(narrowed.caller, on.provider.caller)
    assert.equal(on.provider.organization.kind, 'provider')
  })

  test('a reseller enters its own portal, and neither the provider’s nor another reseller’s', async () => {
    const { on, reseller } = await newWorld(open)
    const own = await enterPortal(on.dir, reseller, 'reseller.example')
    assert.equal(own.organization.id, on.resellerId)
    for (const domain of ['portal.example', 'other.example'])
      await assert.rejects(enterPortal(on.dir, reseller, domain), refusedAs('portal_not_in_context'))
  })

  test('a customer enters the portal of its provider or its reseller, and stays itself', async () => {
    const { on, customer } = await newWorld(open)
    for (const domain of ['portal.example', 'reseller.example']) {
      const entered = await enterPortal(on.dir, customer, domain)
      assert.equal(entered.organization.id, on.customerId)
    }
    await assert.rejects(enterPortal(on.dir, customer, 'other.example'), refusedAs('portal_not_in_context'))
  })

  test('no caller enters the portal of another provider, or one that does not exist', async () => {
    const { on, reseller, customer } = await newWorld(open)
    for (const ctx of [on.provider, reseller, customer])
      for (const domain of ['foreign.example', 'none.example', '', 'portal.example.evil.example', '\0'])
        await assert.rejects(enterPortal(on.dir, ctx, domain), refusedAs('portal_not_in_context'))
  })

  test('a portal is found in any letter case, with a trailing dot and with a port', async () => {
    const { on } = await newWorld(open)
    for (const domain of ['PORTAL.example', 'portal.example.', 'portal.example:8443']) {
      const entered = await enterPortal(on.dir, on.provider, domain)
      assert.equal(entered.organization.id, on.setup.provider.id)
    }
  })

  test('a portal that one caller has entered stays closed to another caller', async () => {
    const { on, reseller } = await newWorld(open)
    await enterPortal(on.dir, on.provider, 'other.example')
    await assert.rejects(enterPortal(on.dir, reseller, 'other.example'), refusedAs('portal_not_in_context'))
  })

  test('a removed portal is refused to callers that have not entered it before', async () => {
    const { on } = await newWorld(open)
    await deletePortal(on.dir, on.operator, 'RESELLER.example')
    assert.equal((await readAudit(on.dir, 1))[0]?.target, 'reseller.example')
    await assert.rejects(
      enterPortal(on.dir, on.provider, 'reseller.example'),
      refusedAs('portal_not_in_context'),
    )
  })
}

function request(organizationId: string, resellerId?: string): CreateUserRequest {
  return { organizationId, kind: 'customer', resellerId, user: newUser() }
}

function reachTests(open: OpenStore): void {
  test('a provider reaches all of its customers', async () => {
    const { on, otherCustomer } = await newWorld(open)
    for (const id of [on.customerId, otherCustomer.id, on.customerId.toUpperCase()])
      assert.ok(await createUser(on.dir, on.provider, request(id)))
  })

  test('a reseller reaches the customers related to it, and no others', async () => {
    const { on, reseller, otherCustomer } = await newWorld(open)
    assert.ok(await createUser(on.dir, reseller, request(on.customerId)))
    await assert.rejects(
      createUser(on.dir, reseller, request(otherCustomer.id)),
      refusedAs('customer_not_found'),
    )
  })

  test('a provider in the portal of a reseller reaches what that reseller reaches', async () => {
    const { on, otherCustomer } = await newWorld(open)
    const narrowed = await enterPortal(on.dir, on.provider, 'reseller.example')
    assert.ok(await createUser(on.dir, narrowed, request(on.customerId)))
    await assert.rejects(
      createUser(on.dir, narrowed, request(otherCustomer.id)),
      refusedAs('customer_not_found'),
    )
  })

  test('a customer reaches only itself', async () => {
    const { on, customer, otherCustomer } = await newWorld(open)
    assert.ok(await createUser(on.dir, customer, request(on.customerId)))
    await assert.rejects(
      createUser(on.dir, customer, request(otherCustomer.id)),
      refusedAs('customer_not_found'),
    )
  })

  test('a customer out of reach is reported exactly like one that does not exist', async () => {
    const { on, reseller, otherCustomer, foreign } = await newWorld(open)
    const messageFor = async (ctx: Context, id: string): Promise<string> => {
      const error = await createUser(on.dir, ctx, request(id)).catch((reason: Error) => reason)
      assert.ok(error instanceof Error)
      refusedAs('customer_not_found')(error)
      return error.message.replace(id, 'ID')
    }
    const unknown = await messageFor(reseller, newId())
    for (const id of [otherCustomer.id, foreign.customer.id, on.resellerId, on.setup.provider.id])
      assert.equal(await messageFor(reseller, id), unknown)
    for (const id of [foreign.customer.id, foreign.provider.id, on.resellerId, on.setup.provider.id])
      assert.equal(await messageFor(on.provider, id), unknown)
  })

  test('lists have the same reach', async () => {
    const { on, reseller, foreign } = await newWorld(open)
    const list = (ctx: Context, organizationId: string): Promise<unknown> =>
      listPeople(on.dir, ctx, organizationId)
    await assert.rejects(list(on.provider, foreign.customer.id), refusedAs('organization_not_found'))
    await assert.rejects(list(reseller, on.setup.provider.id), refusedAs('organization_not_found'))
    assert.deepEqual(await list(reseller, on.customerId), [])
  })
}

function resellerTests(open: OpenStore): void {
  const resellerOf = async ({ on }: World, id: string): Promise<number | null | undefined> =>
    (await on.dir.store.read((tx) => selectUser(tx, id)))?.resellerPk

  test('a reseller acts for itself, and can name itself', async () => {
    const world = await newWorld(open)
    const { on, reseller } = world
    const { id } = await createUser(on.dir, reseller, request(on.customerId))
    const { pk } = await getOrganization(on.dir, on.resellerId)
    assert.equal(await resellerOf(world, id), pk)
    const again = await createUser(on.dir, reseller, request(on.customerId, on.resellerId))
    assert.deepEqual(again, { id, created: false })
  })

  test('a provider can name a reseller that the customer is related to, or none', async () => {
    const world = await newWorld(open)
    const { on, otherReseller, otherCustomer } = world
    const { id } = await createUser(on.dir, on.provider, request(otherCustomer.id, otherReseller.id))
    assert.equal(await resellerOf(world, id), otherReseller.pk)
    const { id: without } = await createUser(on.dir, on.provider, request(on.customerId))
    assert.equal(await resellerOf(world, without), null)
  })

  test('a reseller is not found if it does not exist, is no reseller, or belongs to another provider', async () => {
    const { on, foreign } = await newWorld(open)
    for (const id of [newId(), on.customerId, on.setup.provider.id, foreign.provider.id])
      await assert.rejects(
        createUser(on.dir, on.provider, request(on.customerId, id)),
        refusedAs('reseller_not_found'),
      )
  })

  test('a reseller without a relation to the customer is refused', async () => {
    const { on, otherReseller } = await newWorld(open)
    await assert.rejects(
      createUser(on.dir, on.provider, request(on.customerId, otherReseller.id)),
      refusedAs('reseller_not_related'),
    )
  })

  test('a reseller does not count the users of another reseller in a customer that both have', async () => {
    const { on, reseller, otherReseller } = await newWorld(open)
    const shared = await addOrganization(on, 'customer', [on.resellerId, otherReseller.id])
    for (const resellerId of [on.resellerId, otherReseller.id, otherReseller.id, undefined]) {
      const user = newUser({ email: `${newId()}@example.com` })
      await createUser(on.dir, on.operator, { organizationId: shared.id, resellerId, user })
    }
    const count = async (ctx: Context): Promise<number> =>
      (await getOrganizationOverview(on.dir, ctx, shared.id)).users
    assert.deepEqual([await count(on.provider), await count(reseller)], [4, 2])
    const rows = await searchOrganizations(on.dir, reseller, { limit: 10 })
    assert.equal(rows.find(({ id }) => id === shared.id)?.users, 2)
  })

  test('a reseller cannot name another reseller', async () => {
    const { on, reseller, otherReseller } = await newWorld(open)
    await assert.rejects(
      createUser(on.dir, reseller, request(on.customerId, otherReseller.id)),
      refusedAs('reseller_not_own'),
    )
  })
}

function permissionTests(open: OpenStore): void {
  test('viewers and OSIS clients cannot create users', async () => {
    const { on } = await newWorld(open)
    const viewer = await addClient(on, on.setup.provider.id, 'viewer')
    for (const ctx of [viewer, on.osis])
      await assert.rejects(createUser(on.dir, ctx, request(on.customerId)), refusedAs('not_permitted'))
  })
}
