import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  createAccount,
  deleteAccount,
  getAccount,
  getAccountByCanonicalId,
  queryAccounts,
  updateAccount,
} from '../../src/directory/accounts.ts'
import { findBuckets, measureAccounts } from '../../src/directory/contents.ts'
import {
  createCredential,
  deleteCredential,
  getCredential,
  queryCredentials,
  updateCredential,
} from '../../src/directory/credentials.ts'
import { newDirectory } from '../../src/directory/directory.ts'
import type { CredentialFilter } from '../../src/directory/filters.ts'
import { createRefreshToken, revokeRefreshToken } from '../../src/directory/refresh-tokens.ts'
import {
  adoptCustomer,
  createTenant,
  deleteTenant,
  queryTenants,
  updateTenant,
} from '../../src/directory/tenants.ts'
import type { AuditValue, Change } from '../../src/model/audit.ts'
import type { Context } from '../../src/model/context.ts'
import { newId } from '../../src/model/ids.ts'
import { CEPH_RGW_OWNER_FORM } from '../../src/platform/ceph-rgw/users.ts'
import { insertOrganization } from '../../src/store/tables/organizations.ts'
import { insertTenant } from '../../src/store/tables/tenants.ts'
import {
  addAccount,
  addClient,
  clientIdOf,
  getOrganization,
  newTestDirectory,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { CONTENT_TABLES, countRows, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const PAGE = { offset: 0, limit: 100 }

/** The OSIS client of another provider, which has no tenants in this directory. */
async function foreigner(on: TestDirectory): Promise<Context> {
  const root = { id: newId(), kind: 'provider', name: 'Foreign', providerPk: null, now: NOW } as const
  const organization = await on.dir.store.write((tx) => insertOrganization(tx, root))
  return { ...on.osis, organization }
}

/** The operations of OSIS other than creates. */
export function osisSuite(open: OpenStore): void {
  describe('OSIS', () => {
    isolationTests(open)
    permissionTests(open)
    changeTests(open)
    platformTests(open)
    tenantTests(open)
  })
}

function isolationTests(open: OpenStore): void {
  test('a provider cannot find, change or remove what belongs to another provider', async () => {
    const on = await newTestDirectory(open)
    const account = await addAccount(on)
    const ids = { tenantId: on.tenantId, userId: account.userId }
    const key = (await queryCredentials(on.dir, on.osis, { filter: ids, page: PAGE })).items[0]
    const { accessKey } = key ?? assert.fail('there is no credential')
    const { dir } = on
    const ctx = await foreigner(on)
    const before = await countRows(dir.store, CONTENT_TABLES)
    await assert.rejects(getAccount(dir, ctx, ids), refusedAs('user_not_found'))
    await assert.rejects(
      getAccountByCanonicalId(dir, ctx, account.canonicalUserId),
      refusedAs('user_not_found'),
    )
    await assert.rejects(updateAccount(dir, ctx, { ...ids, active: false }), refusedAs('user_not_found'))
    await assert.rejects(createCredential(dir, ctx, ids), refusedAs('user_not_found'))
    await assert.rejects(getCredential(dir, ctx, { accessKey }), refusedAs('credential_not_found'))
    await assert.rejects(
      updateCredential(dir, ctx, { accessKey, active: false }),
      refusedAs('credential_not_found'),
    )
    await assert.rejects(
      updateTenant(dir, ctx, { tenantId: on.tenantId, orgIds: [] }),
      refusedAs('tenant_not_found'),
    )
    const purge = true
    assert.equal(await deleteAccount(dir, ctx, { ...ids, purge }), undefined)
    assert.equal(await deleteCredential(dir, ctx, { accessKey }), undefined)
    assert.equal(await deleteTenant(dir, ctx, { tenantId: on.tenantId, purge }), undefined)
    assert.equal(await findBuckets(dir, ctx, { tenantId: on.tenantId, page: PAGE }), null)
    await assert.rejects(
      measureAccounts(dir, ctx, { tenantId: on.tenantId, platform: 'embedded' }),
      refusedAs('tenant_not_found'),
    )
    const nothing = { items: [], total: 0 }
    const filters = [{}, ids, { tenantId: on.tenantId }, { userId: account.userId }, { orgId: on.orgId }]
    for (const filter of filters) {
      assert.deepEqual(await queryAccounts(dir, ctx, { filter, page: PAGE }), nothing)
      assert.deepEqual(await queryCredentials(dir, ctx, { filter, page: PAGE }), nothing)
    }
    for (const filter of [{}, { tenantId: on.tenantId }, { orgId: on.orgId }, { orgId: on.tenantId }])
      assert.deepEqual(await queryTenants(dir, ctx, { filter, page: PAGE }), nothing)
    for (const filter of [
      { orgUserId: 'ada' },
      { username: 'ada' },
      { displayName: 'ada' },
      { orgId: on.tenantId },
    ])
      assert.deepEqual(await queryAccounts(dir, ctx, { filter, page: PAGE }), nothing)
    assert.deepEqual(await countRows(dir.store, CONTENT_TABLES), before)
    assert.deepEqual(await getAccount(dir, on.osis, ids), account)
  })
}

function permissionTests(open: OpenStore): void {
  test('only an OSIS client can write, and each refusal is recorded', async () => {
    const on = await newTestDirectory(open)
    const account = await addAccount(on)
    const ids = { tenantId: on.tenantId, userId: account.userId }
    const { dir } = on
    const writes: ((ctx: Context) => Promise<unknown>)[] = [
      (ctx) => createTenant(dir, ctx, { name: 'x', orgIds: [] }),
      (ctx) => updateTenant(dir, ctx, { tenantId: on.tenantId, orgIds: [] }),
      (ctx) => deleteTenant(dir, ctx, { tenantId: on.tenantId, purge: true }),
      (ctx) => updateAccount(dir, ctx, { ...ids, active: false }),
      (ctx) => deleteAccount(dir, ctx, { ...ids, purge: true }),
      (ctx) => createCredential(dir, ctx, ids),
      (ctx) => updateCredential(dir, ctx, { accessKey: 'x', active: false }),
      (ctx) => deleteCredential(dir, ctx, { accessKey: 'x' }),
      (ctx) => createRefreshToken(dir, ctx, { seconds: 60, sign: async () => 'token' }),
    ]
    const viewer = await addClient(on, on.setup.provider.id, 'viewer')
    for (const ctx of [on.provider, viewer])
      for (const write of writes) {
        await assert.rejects(write(ctx), refusedAs('not_permitted'))
        const [entry] = await readAudit(dir, 1)
        assert.deepEqual(
          [entry?.status, entry?.outcome, entry?.caller],
          ['Failed', 'not_permitted', { kind: 'client', id: clientIdOf(ctx) }],
        )
      }
    await assert.rejects(revokeRefreshToken(dir, on.osis, 'x'), refusedAs('not_permitted'))
  })
}

function changeTests(open: OpenStore): void {
  test('each change increases the desired version by one, and a repeated change does not', async () => {
    const on = await newTestDirectory(open)
    const account = await addAccount(on)
    const ids = { tenantId: on.tenantId, userId: account.userId }
    const version = async (): Promise<number> => (await getAccount(on.dir, on.osis, ids)).desiredVersion
    assert.equal(await version(), 1)
    for (let i = 0; i < 2; i++) await updateAccount(on.dir, on.osis, { ...ids, active: false })
    assert.equal(await version(), 2)
    const { accessKey } = await createCredential(on.dir, on.osis, ids)
    assert.equal(await version(), 3)
    for (let i = 0; i < 2; i++) await updateCredential(on.dir, on.osis, { accessKey, active: false })
    assert.equal(await version(), 4)
    for (let i = 0; i < 2; i++) assert.ok(await deleteCredential(on.dir, on.osis, { accessKey }))
    assert.equal(await version(), 5)
  })

  test('totals follow each write at once', async () => {
    const on = await newTestDirectory(open)
    const accounts = []
    for (let i = 0; i < 12; i++) {
      accounts.push(await addAccount(on, `user ${i}`))
      const filter = { tenantId: on.tenantId }
      for (let offset = 0; offset < 13; offset += 4) {
        const { items, total } = await queryAccounts(on.dir, on.osis, { filter, page: { offset, limit: 4 } })
        assert.equal(total, i + 1)
        assert.deepEqual(items, accounts.slice(offset, offset + 4))
      }
    }
  })
}

function platformTests(open: OpenStore): void {
  test('the keys of a user with accounts on two platforms are listed by tenant and together', async () => {
    const on = await newTestDirectory(open)
    const ownerForms = new Map([...on.dir.ownerForms, ['other', CEPH_RGW_OWNER_FORM]])
    const dir = newDirectory({ ...on.dir, ownerForms })
    const organization = await getOrganization(dir, on.customerId)
    const row = {
      id: 'second',
      organization,
      platform: 'other',
      name: 'Second',
      orgIds: [on.orgId],
      now: NOW,
    }
    const { id } = await dir.store.write((tx) => insertTenant(tx, row))
    // The e-mail links the account to the user.
    const account = {
      orgId: on.orgId,
      orgUserId: 'ada',
      username: 'ada',
      email: 'ada@example.com',
      role: 'TENANT_USER',
      active: true,
    } as const
    const accounts = []
    for (const tenantId of [on.tenantId, id])
      accounts.push((await createAccount(dir, on.osis, { tenantId, account })).account)
    const { userId } = accounts[0] ?? assert.fail()
    assert.equal(accounts[1]?.userId, userId)
    const ownersOf = async (filter: CredentialFilter): Promise<string[]> =>
      (await queryCredentials(dir, on.osis, { filter, page: PAGE })).items.map((key) => key.account.tenantId)
    for (const tenantId of [on.tenantId, id])
      assert.deepEqual(await ownersOf({ tenantId, userId, orgId: on.orgId, orgUserId: 'ada' }), [tenantId])
    assert.deepEqual(await ownersOf({ userId }), [on.tenantId, id])
    assert.deepEqual(await ownersOf({ userId, orgUserId: 'bob' }), [])
  })
}

function tenantTests(open: OpenStore): void {
  test('a change of the orgs is recorded with the list before and after', async () => {
    const on = await newTestDirectory(open)
    const orgIds = ['b', on.orgId, 'a']
    await updateTenant(on.dir, on.osis, { tenantId: on.tenantId, orgIds })
    const [entry] = await readAudit(on.dir, 1)
    assert.deepEqual(entry?.changes, [{ name: 'orgIds', before: [on.orgId], after: orgIds }])
  })

  test('20 changes of the orgs at the same time are all in the log', async () => {
    const on = await newTestDirectory(open)
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        updateTenant(on.dir, on.osis, { tenantId: on.tenantId, orgIds: [`org ${i}`] }),
      ),
    )
    const changes = (await readAudit(on.dir, 20)).reverse().map((entry) => entry.changes?.[0] as Change)
    let known: AuditValue = [on.orgId]
    for (const { before, after } of changes) {
      assert.deepEqual(before, known)
      known = after
    }
  })

  test('orgs that are added at the same time are all in the log', async () => {
    const on = await newTestDirectory(open)
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        createTenant(on.dir, on.osis, { name: 'A', orgIds: [on.orgId, `org ${i}`] }),
      ),
    )
    const changes = (await readAudit(on.dir, 10)).reverse().map((entry) => entry.changes?.[0] as Change)
    let known: AuditValue = [on.orgId]
    for (const { before, after } of changes) {
      assert.deepEqual(before, known)
      known = after
    }
    assert.equal(new Set(known as string[]).size, 11)
  })

  test('an org that is added while its tenant is deleted gets a tenant that exists', async () => {
    const on = await newTestDirectory(open)
    const create = (...orgIds: string[]) => createTenant(on.dir, on.osis, { name: 'A', orgIds })
    for (let i = 0; i < 10; i++) {
      const [first, other] = [`first ${i}`, `other ${i}`]
      const { id: tenantId } = await create(first)
      await Promise.all([create(first, other), deleteTenant(on.dir, on.osis, { tenantId, purge: false })])
      const { id } = await create(other)
      const found = await queryTenants(on.dir, on.osis, { filter: { tenantId: id }, page: PAGE })
      assert.equal(found.total, 1, `${other} has the tenant ${id}, which was deleted`)
    }
  })

  test('a customer gets a tenant only if it has none and the orgs are free', async () => {
    const on = await newTestDirectory(open)
    const adopt = (customerId: string, ...orgIds: string[]): Promise<unknown> =>
      adoptCustomer(on.dir, on.operator, { customerId, name: undefined, orgIds })
    await assert.rejects(adopt(on.customerId), refusedAs('tenant_exists'))
    await assert.rejects(adopt(on.resellerId), refusedAs('customer_not_found'))
    await assert.rejects(adopt(newId()), refusedAs('customer_not_found'))
    const row = {
      id: newId(),
      kind: 'customer',
      name: 'A',
      providerPk: on.osis.organization.pk,
      now: NOW,
    } as const
    await on.dir.store.write((tx) => insertOrganization(tx, row))
    await assert.rejects(adopt(row.id, on.orgId), refusedAs('orgs_on_several_tenants', 'orgIds'))
    await assert.rejects(adopt(row.id, ''), refusedAs('invalid', 'orgIds[0]'))
    const attempts = Array.from({ length: 10 }, () => adopt(row.id, 'free'))
    const outcomes = await Promise.allSettled(attempts)
    assert.equal(outcomes.filter((one) => one.status === 'fulfilled').length, 1)
  })

  test('without purge, a tenant is not deleted while it has accounts or removals that have not ended', async () => {
    const on = await newTestDirectory(open)
    const { userId } = await addAccount(on)
    const remove = (purge: boolean) => deleteTenant(on.dir, on.osis, { tenantId: on.tenantId, purge })
    await assert.rejects(remove(false), refusedAs('tenant_not_empty'))
    await deleteAccount(on.dir, on.osis, { tenantId: on.tenantId, userId, purge: false })
    await assert.rejects(remove(false), refusedAs('tenant_not_empty'))
    assert.equal((await remove(true))?.id, on.tenantId)
    assert.equal((await remove(false))?.id, on.tenantId)
  })
}
