import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { listAudit, verifyAudit } from '../../src/directory/audit.ts'
import { isSecretOf } from '../../src/directory/client-secrets.ts'
import {
  createClient,
  deleteClient,
  findClient,
  findExternalClient,
  listClients,
} from '../../src/directory/clients.ts'
import { operatorContext } from '../../src/directory/context.ts'
import {
  createOrganization,
  createPortal,
  deleteOrganization,
  deletePortal,
  listOrganizations,
  listPortals,
} from '../../src/directory/organizations.ts'
import { setUp } from '../../src/directory/setup.ts'
import { deleteUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import { newId } from '../../src/model/ids.ts'
import {
  addClient,
  addOrganization,
  clientIdOf,
  newTestDirectory,
  newUser,
  openEmpty,
  refusedAs,
} from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

/** The work of the operator: set-up, organizations, portals, clients. */
export function administrationSuite(open: OpenStore): void {
  describe('setting up', () => setupTests(open))
  describe('organizations and portals', () => organizationTests(open))
  describe('clients', () => clientTests(open))
}

function setupTests(open: OpenStore): void {
  test('a directory is set up once', async () => {
    const on = await newTestDirectory(open)
    const again = setUp(on.dir, { provider: 'Second', portal: 'second.example', example: false })
    await assert.rejects(again, refusedAs('already_set_up'))
    assert.equal(
      (await listOrganizations(on.dir, on.operator, { kind: 'provider', after: 0, limit: 10 })).length,
      1,
    )
    assert.deepEqual((await verifyAudit(on.dir, on.operator)).faults, [])
  })

  test('of several set-ups at the same time, one succeeds', async () => {
    const on = await newTestDirectory(open)
    const empty = { ...on.dir, store: await openEmpty(open) }
    const input = { provider: 'P', portal: 'p.example', example: true }
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => setUp(empty, input)))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal(
      (
        await listOrganizations(empty, await operatorContext(empty), {
          kind: 'provider',
          after: 0,
          limit: 10,
        })
      ).length,
      1,
    )
  })

  test('everything that the set-up creates is audited with the operator as caller, without secrets', async () => {
    const on = await newTestDirectory(open)
    const entries = await listAudit(on.dir, on.operator, { limit: 100 })
    const made = entries.map((entry) => entry.operation).sort()
    const organizations = ['CreateCustomer', 'CreateOrganization', 'CreateReseller']
    const links = ['CreateSignInLink']
    assert.deepEqual(made, ['CreateClient', 'CreateClient', ...organizations, ...links, 'CreateTenant'])
    for (const entry of entries)
      assert.deepEqual([entry.caller, entry.status], [{ kind: 'operator' }, 'Succeeded'])
    const secrets = [on.setup.administrator.secret, on.setup.osis.secret, on.setup.link?.token]
    for (const secret of secrets) assert.ok(secret && !JSON.stringify(entries).includes(secret))
  })

  test('the issues name a missing provider name and a portal that is no domain', async () => {
    const { dir } = await newTestDirectory(open)
    const empty = { ...dir, store: await openEmpty(open) }
    const wrong = setUp(empty, { provider: ' ', portal: 'http://x', example: true })
    await assert.rejects(wrong, refusedAs('invalid', 'provider', 'portal'))
  })
}

function organizationTests(open: OpenStore): void {
  test('an organization that is in use cannot be removed', async () => {
    const on = await newTestDirectory(open)
    const { dir, operator } = on
    const customer = await addOrganization(on, 'customer', [on.resellerId])
    const { id } = await createUser(dir, operator, { organizationId: customer.id, user: newUser() })
    await assert.rejects(deleteOrganization(dir, operator, customer.id), refusedAs('organization_not_empty'))
    await deleteUser(dir, operator, { user: id })
    await assert.rejects(deleteOrganization(dir, operator, customer.id), refusedAs('organization_not_empty'))
    for (const busy of [on.customerId, on.setup.provider.id])
      await assert.rejects(deleteOrganization(dir, operator, busy), refusedAs('organization_not_empty'))
  })

  test('an organization that is not in use is removed with its relations', async () => {
    const on = await newTestDirectory(open)
    const reseller = await addOrganization(on, 'reseller')
    const customer = await addOrganization(on, 'customer', [reseller.id, on.resellerId])
    await deleteOrganization(on.dir, on.operator, reseller.id)
    await deleteOrganization(on.dir, on.operator, customer.id)
    await assert.rejects(
      deleteOrganization(on.dir, on.operator, customer.id),
      refusedAs('organization_not_found'),
    )
  })

  test('a customer of a reseller that does not exist is not created', async () => {
    const on = await newTestDirectory(open)
    const input = { kind: 'customer', name: 'Acme', resellerIds: [on.resellerId, newId()] } as const
    const before = await listOrganizations(on.dir, on.operator, { after: 0, limit: 100 })
    await assert.rejects(createOrganization(on.dir, on.operator, input), refusedAs('reseller_not_found'))
    assert.deepEqual(await listOrganizations(on.dir, on.operator, { after: 0, limit: 100 }), before)
  })

  test('a domain is one portal, of a provider or a reseller', async () => {
    const on = await newTestDirectory(open)
    const put = (domain: string, organizationId: string): Promise<{ domain: string }> =>
      createPortal(on.dir, on.operator, { domain, organizationId })
    assert.deepEqual(await put('Shop.Example.', on.resellerId), { domain: 'shop.example' })
    await assert.rejects(put('SHOP.example', on.setup.provider.id), refusedAs('domain_taken'))
    await assert.rejects(put('c.example', on.customerId), refusedAs('invalid', 'organizationId'))
    await assert.rejects(put('no domain', on.resellerId), refusedAs('invalid', 'domain'))
    await assert.rejects(put('d.example', newId()), refusedAs('organization_not_found'))
    assert.deepEqual(
      (await listPortals(on.dir, on.operator)).map((portal) => portal.domain),
      ['portal.example', 'shop.example'],
    )
    await deletePortal(on.dir, on.operator, 'shop.EXAMPLE')
    await assert.rejects(deletePortal(on.dir, on.operator, 'shop.example'), refusedAs('portal_not_found'))
  })

  test('no client runs the operations of the operator', async () => {
    const on = await newTestDirectory(open)
    const customer = await addOrganization(on, 'customer')
    const acts = [
      () => deleteOrganization(on.dir, on.provider, customer.id),
      () => createPortal(on.dir, on.provider, { domain: 'x.example', organizationId: on.resellerId }),
      () => deletePortal(on.dir, on.provider, 'portal.example'),
    ]
    for (const act of acts) await assert.rejects(act, refusedAs('not_permitted'))
  })
}

function clientTests(open: OpenStore): void {
  test('a secret has 256 bits, is returned once and stored as its hash', async () => {
    const on = await newTestDirectory(open)
    const { id, secret } = await createClient(on.dir, on.operator, {
      organizationId: on.customerId,
      name: 'Portal',
      permission: 'administrator',
    })
    assert.ok(secret !== null && Buffer.from(secret, 'base64url').length === 32)
    const client = await findClient(on.dir, id)
    assert.ok(client && !JSON.stringify(client).includes(secret))
    assert.equal(isSecretOf(client, secret, on.clock.now), true)
    for (const wrong of ['', secret.slice(1), `${secret}a`, client.secretHash ?? ''])
      assert.equal(isSecretOf(client, wrong, on.clock.now), false)
  })

  test('a client of an external issuer has no secret, and no secret is accepted for it', async () => {
    const on = await newTestDirectory(open)
    const external = { issuer: 'https://issuer.example', id: 'app' }
    const input = { organizationId: on.customerId, name: 'x', permission: 'viewer', external } as const
    const { id, secret } = await createClient(on.dir, on.operator, input)
    assert.equal(secret, null)
    const client = await findClient(on.dir, id)
    assert.equal(client && isSecretOf(client, '', on.clock.now), false)
    await assert.rejects(createClient(on.dir, on.operator, input), refusedAs('external_id_taken'))
  })

  test('a client of an external issuer is found by its UUID in either letter case', async () => {
    const on = await newTestDirectory(open)
    const [issuer, upper] = ['https://issuer.example', '0192F7C4-A6A8-7C3E-9D4B-5E6F7A8B9C0D']
    const newClient = (id: string) =>
      createClient(on.dir, on.operator, {
        ...{ organizationId: on.customerId.toUpperCase(), name: 'x', permission: 'viewer' },
        external: { issuer, id },
      })
    const { id } = await newClient(upper)
    for (const spelled of [upper, upper.toLowerCase()])
      assert.equal((await findExternalClient(on.dir, issuer, spelled))?.id, id)
    await assert.rejects(newClient(upper.toLowerCase()), refusedAs('external_id_taken'))
    await deleteClient(on.dir, on.operator, id.toUpperCase())
    assert.equal(await findClient(on.dir, id), undefined)
  })

  test('a removed client is not found, and cannot be removed again', async () => {
    const on = await newTestDirectory(open)
    const id = clientIdOf(await addClient(on, on.customerId))
    await deleteClient(on.dir, on.operator, id)
    assert.equal(await findClient(on.dir, id), undefined)
    const page = { offset: 0, limit: 10 }
    assert.equal((await listClients(on.dir, on.operator, { page })).total, 2)
    await assert.rejects(deleteClient(on.dir, on.operator, id), refusedAs('client_not_found'))
  })

  test('an OSIS client belongs to a provider, and every client has a name', async () => {
    const on = await newTestDirectory(open)
    const osis = { organizationId: on.customerId, name: 'x', permission: 'osis' } as const
    await assert.rejects(createClient(on.dir, on.operator, osis), refusedAs('invalid', 'organizationId'))
    const nameless = { organizationId: on.customerId, name: '', permission: 'viewer' } as const
    await assert.rejects(createClient(on.dir, on.operator, nameless), refusedAs('invalid', 'name'))
  })
}
