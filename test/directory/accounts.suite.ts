import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAccount, getAccount } from '../../src/directory/accounts.ts'
import { queryCredentials } from '../../src/directory/credentials.ts'
import { createTenant, getTenant } from '../../src/directory/tenants.ts'
import { deleteUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import type { Account, NewAccount } from '../../src/model/accounts.ts'
import type { OwnedCredential } from '../../src/model/credentials.ts'
import { newId } from '../../src/model/ids.ts'
import type { Tenant } from '../../src/model/tenants.ts'
import { insertOrganization } from '../../src/store/tables/organizations.ts'
import {
  newAccountRequest,
  newTestDirectory,
  newUser,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { countRows, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

async function create(
  on: TestDirectory,
  change: Partial<NewAccount> = {},
  tenantId = on.tenantId,
): Promise<Account> {
  const person = { orgUserId: 'ada', username: 'Ada', email: 'ada@example.com' }
  const account = { orgId: on.orgId, ...person, role: 'TENANT_USER', active: true, ...change } as const
  return (await createAccount(on.dir, on.osis, { tenantId, account })).account
}

async function credentialsOf(
  on: TestDirectory,
  { tenantId, userId }: Account,
): Promise<readonly OwnedCredential[]> {
  const request = { filter: { tenantId, userId }, page: { offset: 0, limit: 100 } }
  return (await queryCredentials(on.dir, on.osis, request)).items
}

const COUNTED = ['users', 'accounts', 'credentials']

/** Accounts and tenants: repeats, races, linking. */
export function accountsSuite(open: OpenStore): void {
  describe('accounts', () => {
    createTests(open)
    linkTests(open)
    refusalTests(open)
  })
  describe('tenants', () => tenantTests(open))
}

function createTests(open: OpenStore): void {
  test('a Cloud Director user gets a user, an account and exactly one credential', async () => {
    const on = await newTestDirectory(open)
    const account = await create(on)
    assert.equal(account.canonicalUserId, `${on.tenantId}$${account.userId}`)
    assert.deepEqual([account.orgId, account.orgUserId, account.username], [on.orgId, 'ada', 'Ada'])
    const [credential, ...more] = await credentialsOf(on, account)
    assert.equal(more.length, 0)
    assert.match(credential?.accessKey ?? '', /^[A-Z0-9]{20}$/)
    assert.match(credential?.secretKey ?? '', /^[A-Za-z0-9]{40}$/)
    assert.equal(credential?.active, true)
    const ids = { tenantId: on.tenantId, userId: account.userId }
    assert.deepEqual(await getAccount(on.dir, on.osis, ids), account)
  })

  test('the same create again gets the account as it was, and no second credential', async () => {
    const on = await newTestDirectory(open)
    const account = await create(on)
    const before = await countRows(on.dir.store, COUNTED)
    const change = {
      username: 'Other',
      email: 'other@example.com',
      role: 'TENANT_ADMIN',
      active: false,
    } as const
    assert.deepEqual(await create(on, change), account)
    assert.deepEqual(await countRows(on.dir.store, COUNTED), before)
    const [entry] = await readAudit(on.dir, 1)
    assert.deepEqual([entry?.outcome, entry?.target], ['repeated', account.userId])
  })

  test('50 equal creates at the same time create one user, one account, one credential and get equal responses', async () => {
    const on = await newTestDirectory(open)
    const accounts = await Promise.all(Array.from({ length: 50 }, () => create(on)))
    for (const account of accounts) assert.deepEqual(account, accounts[0])
    assert.deepEqual(await countRows(on.dir.store, COUNTED), { users: 1, accounts: 1, credentials: 1 })
  })

  test('Cloud Director ids are compared exactly', async () => {
    const on = await newTestDirectory(open)
    const ids = ['ada', 'Ada', 'ada ', 'ádá', 'a\u0301da\u0301']
    const accounts = await Promise.all(ids.map((orgUserId) => create(on, { orgUserId, email: null })))
    assert.equal(new Set(accounts.map((account) => account.userId)).size, ids.length)
    assert.deepEqual(
      accounts.map((account) => account.orgUserId),
      ids,
    )
  })

  test('a user without a name is named by its Cloud Director id', async () => {
    const on = await newTestDirectory(open)
    assert.equal((await create(on, { username: null })).username, 'ada')
  })

  test('a user whose account is being removed gets no new one yet', async () => {
    const on = await newTestDirectory(open)
    const first = await create(on)
    await deleteUser(on.dir, on.operator, { user: first.userId })
    const ids = { tenantId: on.tenantId, userId: first.userId }
    await assert.rejects(getAccount(on.dir, on.osis, ids), refusedAs('user_not_found'))
    const request = newAccountRequest(on, 'ada')
    const { account, credential, beingRemoved } = await createAccount(on.dir, on.osis, request)
    assert.deepEqual([account.pk, credential, beingRemoved], [first.pk, null, true])
  })
}

function linkTests(open: OpenStore): void {
  const addPerson = (on: TestDirectory, email = 'ada@example.com'): Promise<{ id: string }> =>
    createUser(on.dir, on.provider, { organizationId: on.customerId, user: newUser({ email }) })

  test('a user of the customer with the same e-mail and no account gets the account', async () => {
    const on = await newTestDirectory(open)
    const { id } = await addPerson(on)
    const account = await create(on, { email: 'ADA@example.com' })
    assert.equal(account.userId, id)
    const [entry] = await readAudit(on.dir, 1)
    assert.deepEqual([entry?.operation, entry?.outcome, entry?.target], ['LinkAccount', 'linked', id])
    assert.deepEqual(await countRows(on.dir.store, COUNTED), { users: 1, accounts: 1, credentials: 1 })
    assert.equal((await create(on)).userId, id)
  })

  test('a user who has an account already is not linked again', async () => {
    const on = await newTestDirectory(open)
    const { id } = await addPerson(on)
    await create(on)
    const second = await create(on, { orgUserId: 'ada2' })
    assert.notEqual(second.userId, id)
    assert.equal(second.email, 'ada@example.com')
  })

  test('an account without an e-mail is not linked to a user', async () => {
    const on = await newTestDirectory(open)
    const { id } = await addPerson(on)
    assert.notEqual((await create(on, { email: null })).userId, id)
  })

  test('50 creates at the same time link one user once', async () => {
    const on = await newTestDirectory(open)
    const { id } = await addPerson(on)
    const accounts = await Promise.all(Array.from({ length: 50 }, () => create(on)))
    for (const account of accounts) assert.equal(account.userId, id)
    const outcomes = (await readAudit(on.dir, 50)).map((entry) => entry.outcome)
    assert.equal(outcomes.filter((outcome) => outcome === 'linked').length, 1)
  })
}

function refusalTests(open: OpenStore): void {
  test('only an OSIS client can create accounts', async () => {
    const on = await newTestDirectory(open)
    const { orgId, tenantId } = on
    const named = { username: null, email: null, role: 'TENANT_USER', active: true } as const
    const account = { orgId, orgUserId: 'ada', ...named }
    await assert.rejects(
      createAccount(on.dir, on.provider, { tenantId, account }),
      refusedAs('not_permitted'),
    )
  })

  test('an unknown tenant is not found, nor is one of another provider', async () => {
    const on = await newTestDirectory(open)
    const root = { id: newId(), kind: 'provider', name: 'Foreign', providerPk: null, now: NOW } as const
    const organization = await on.dir.store.write((tx) => insertOrganization(tx, root))
    const foreign = { ...on.osis, organization }
    await assert.rejects(getTenant(on.dir, foreign, on.tenantId), refusedAs('tenant_not_found'))
    await assert.rejects(create({ ...on, osis: foreign }), refusedAs('tenant_not_found'))
    await assert.rejects(create(on, {}, 'none_x'), refusedAs('tenant_not_found'))
  })

  test('credentials of an unknown user are an empty page', async () => {
    const on = await newTestDirectory(open)
    const filter = { tenantId: on.tenantId, userId: newId() }
    const page = { offset: 0, limit: 10 }
    assert.deepEqual(await queryCredentials(on.dir, on.osis, { filter, page }), { items: [], total: 0 })
  })

  test('one secret that cannot be opened does not break the list', async () => {
    const on = await newTestDirectory(open)
    const account = await create(on)
    await on.dir.store.write((tx) =>
      tx.query((db) => db.updateTable('credentials').set({ sealed_secret: '1.x.y' })),
    )
    const [credential] = await credentialsOf(on, account)
    assert.equal(credential?.secretKey, 'Not Available')
  })

  test('the store holds no secret in plain text', async () => {
    const on = await newTestDirectory(open)
    const [credential] = await credentialsOf(on, await create(on))
    const [row] = await on.dir.store.read((tx) => tx.query((db) => db.selectFrom('credentials').selectAll()))
    assert.ok(credential && !JSON.stringify(row).includes(credential.secretKey))
  })
}

function tenantTests(open: OpenStore): void {
  const put = (on: TestDirectory, orgIds: string[], name = 'Acme'): Promise<Tenant> =>
    createTenant(on.dir, on.osis, { name, orgIds })

  test('a new tenant is a new customer of the provider, with each org mapped once', async () => {
    const on = await newTestDirectory(open)
    const tenant = await put(on, ['b', 'a', 'b'])
    assert.match(tenant.id, /^acme_[a-z2-7]{8}$/)
    assert.deepEqual(tenant.orgIds, ['b', 'a'])
    assert.deepEqual(await getTenant(on.dir, on.osis, tenant.id), tenant)
    assert.notEqual(tenant.organizationPk, (await getTenant(on.dir, on.osis, on.tenantId)).organizationPk)
  })

  test('an org that has a tenant gets that one, free orgs join it, and orgs of two tenants are refused', async () => {
    const on = await newTestDirectory(open)
    const tenant = await put(on, ['a'])
    assert.deepEqual(await put(on, ['a'], 'Other'), tenant)
    assert.deepEqual(await put(on, ['z', 'a'], 'Other'), { ...tenant, orgIds: ['a', 'z'] })
    const [entry] = await readAudit(on.dir, 1)
    const changes = [{ name: 'orgIds', before: ['a'], after: ['a', 'z'] }]
    assert.deepEqual([entry?.outcome, entry?.changes], ['updated', changes])
    await assert.rejects(put(on, ['a', on.orgId]), refusedAs('orgs_on_several_tenants', 'orgIds'))
  })

  test('20 equal creates at the same time create one tenant and one customer', async () => {
    const on = await newTestDirectory(open)
    const before = await countRows(on.dir.store, ['tenants', 'organizations'])
    const tenants = await Promise.all(Array.from({ length: 20 }, () => put(on, ['a'])))
    for (const tenant of tenants) assert.deepEqual(tenant, tenants[0])
    const { tenants: count = 0, organizations = 0 } = before
    const after = await countRows(on.dir.store, ['tenants', 'organizations'])
    assert.deepEqual(after, { tenants: count + 1, organizations: organizations + 1 })
  })
}
