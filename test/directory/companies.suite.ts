import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { createAccount } from '../../src/directory/accounts.ts'
import { createClient } from '../../src/directory/clients.ts'
import { createCustomer, getCustomer, updateCustomerIdentifier } from '../../src/directory/customers.ts'
import { deleteCustomer, deleteReseller } from '../../src/directory/deletion.ts'
import { getJob } from '../../src/directory/jobs/jobs.ts'
import { JOB_KINDS } from '../../src/directory/jobs/kinds.ts'
import { JobRunner } from '../../src/directory/jobs/runner.ts'
import { createPortal } from '../../src/directory/organizations.ts'
import { relateOrganization, unrelateOrganization } from '../../src/directory/relations.ts'
import { getReseller, updatePortal } from '../../src/directory/resellers.ts'
import { resumeCustomer, suspendCustomer } from '../../src/directory/suspension.ts'
import { updateCustomerTenant } from '../../src/directory/tenant-accounts.ts'
import { createUser } from '../../src/directory/users.ts'
import { DirectoryError } from '../../src/model/error.ts'
import {
  addOrganization,
  newAccountRequest,
  newTestDirectory,
  newUser,
  readAudit,
  type TestDirectory,
} from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

const AT_ONCE = 12

/** Runs the jobs until none is left. The clock passes the times for which they wait. */
async function runJobs({ dir, clock }: TestDirectory): Promise<void> {
  const failures: unknown[] = []
  const runner = new JobRunner(dir, JOB_KINDS, { error: (fields) => failures.push(fields) })
  for (let i = 0; i < 5; i++) {
    await runner.drain()
    clock.now = new Date(clock.now.getTime() + 2_000)
  }
  await runner.stop()
  assert.deepEqual(failures, [])
}

/** Runs calls at the same moment. Returns the code of each refusal; null for a success. */
async function race(...calls: (() => Promise<unknown>)[]): Promise<(string | null)[]> {
  return Promise.all(
    calls.map(async (call) => {
      try {
        await call()
        return null
      } catch (error) {
        if (error instanceof DirectoryError) return error.code
        throw error
      }
    }),
  )
}

const repeat = <T>(make: (i: number) => T): T[] => Array.from({ length: AT_ONCE }, (_, i) => make(i))
/** For calls that lock one row: each of them runs again whenever another one commits. */
const few = <T>(make: (i: number) => T): T[] => Array.from({ length: 4 }, (_, i) => make(i))

/** The users of a customer: whether each is live, and the primary key of its context. */
function readUsers({ dir }: TestDirectory, customerId: string) {
  return dir.store.read((tx) =>
    tx.query((db) =>
      db
        .selectFrom('users')
        .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
        .select(['users.id', 'users.reseller_pk', 'users.deleted_at', 'users.version'])
        .where('organizations.id', '=', customerId),
    ),
  )
}

function readActive({ dir, tenantId }: TestDirectory): Promise<number[]> {
  return dir.store.read(async (tx) => {
    const rows = await tx.query((db) =>
      db
        .selectFrom('accounts')
        .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
        .select('accounts.active')
        .where('tenants.id', '=', tenantId),
    )
    return rows.map(({ active }) => active)
  })
}

/** How many portals, clients and tenants an organization has that were not deleted. */
function countOwned({ dir }: TestDirectory, organizationId: string): Promise<number[]> {
  return dir.store.read(async (tx) => {
    const owned = (table: 'clients' | 'tenants' | 'portals') =>
      tx.query((db) => {
        const rows = db
          .selectFrom(table)
          .innerJoin('organizations', 'organizations.pk', `${table}.organization_pk`)
          .select(`${table}.pk`)
          .where('organizations.id', '=', organizationId)
        return table === 'portals'
          ? rows
          : rows.where(`${table}.deleted_at` as 'clients.deleted_at', 'is', null)
      })
    const [portals, clients, tenants] = [
      await owned('portals'),
      await owned('clients'),
      await owned('tenants'),
    ]
    return [portals.length, clients.length, tenants.length]
  })
}

/** Relations, suspensions and deletions at the same moment as other calls. */
export function companiesSuite(open: OpenStore): void {
  describe('companies', () => {
    test('relating and unrelating at once leave a relation or none, and users only in the context of a relation', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const reseller = await addOrganization(on, 'reseller')
      const customer = await addOrganization(on, 'customer', [reseller.id])
      const ids = { customerId: customer.id, resellerId: reseller.id }
      const codes = await race(
        ...repeat((i) => () => (i % 2 ? relateOrganization : unrelateOrganization)(dir, operator, ids)),
        ...repeat((i) => () => {
          const user = newUser({ email: `u${i}@example.com` })
          return createUser(dir, operator, { ...ids, organizationId: customer.id, kind: 'customer', user })
        }),
      )
      for (const code of codes)
        assert.ok([null, 'relation_not_found', 'reseller_not_related'].includes(code), String(code))
      const { resellerIds } = await getCustomer(dir, operator, { customerId: customer.id })
      const users = await readUsers(on, customer.id)
      assert.equal(users.length, codes.slice(AT_ONCE).filter((code) => code === null).length)
      if (resellerIds?.length === 0) for (const one of users) assert.equal(one.reseller_pk, null)
      await race(() => unrelateOrganization(dir, operator, ids))
      for (const one of await readUsers(on, customer.id)) assert.equal(one.reseller_pk, null)
    })

    test('a customer that moves back and forth is related to one of the two, with all of its users', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const [one, other] = [await addOrganization(on, 'reseller'), await addOrganization(on, 'reseller')]
      const customer = await addOrganization(on, 'customer', [one.id])
      const request = { organizationId: customer.id, kind: 'customer', resellerId: one.id } as const
      await createUser(dir, operator, { ...request, user: newUser() })
      await race(
        ...repeat((i) => () => {
          const [resellerId, from] = i % 2 ? [one.id, other.id] : [other.id, one.id]
          return relateOrganization(dir, operator, { customerId: customer.id, resellerId, from })
        }),
      )
      const { resellerIds } = await getCustomer(dir, operator, { customerId: customer.id })
      assert.equal(resellerIds?.length, 1)
      const [user] = await readUsers(on, customer.id)
      assert.equal(user?.reseller_pk, resellerIds?.[0] === one.id ? one.pk : other.pk)
    })

    test('suspension at the same moment as creates by Cloud Director leaves no account that works', async () => {
      const on = await newTestDirectory(open)
      const { dir, osis, operator, customerId } = on
      const codes = await race(
        ...repeat((i) => () => createAccount(dir, osis, newAccountRequest(on, `early ${i}`))),
        () => suspendCustomer(dir, operator, customerId),
        ...repeat((i) => () => createAccount(dir, osis, newAccountRequest(on, `late ${i}`))),
      )
      assert.deepEqual(
        codes.filter((code) => code !== null),
        [],
      )
      await runJobs(on)
      assert.deepEqual(
        await readActive(on),
        Array.from({ length: 2 * AT_ONCE }, () => 0),
      )
      await race(
        ...repeat((i) => () => (i % 2 ? suspendCustomer : resumeCustomer)(dir, operator, customerId)),
      )
      await runJobs(on)
      const { suspendedAt } = await getCustomer(dir, operator, { customerId })
      for (const active of await readActive(on)) assert.equal(active, suspendedAt === null ? 1 : 0)
    })

    test('a deletion at the same moment as creates leaves no live user, and one receipt', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator, osis, customerId } = on
      const request = { organizationId: customerId, kind: 'customer' } as const
      const codes = await race(
        ...repeat(
          (i) => () => createUser(dir, operator, { ...request, user: newUser({ email: `a${i}@x.example` }) }),
        ),
        () => deleteCustomer(dir, operator, { customerId, purgeData: false }),
        () => deleteCustomer(dir, operator, { customerId, purgeData: true }),
        ...repeat((i) => () => createAccount(dir, osis, newAccountRequest(on, `late ${i}`))),
        ...repeat(
          (i) => () => createUser(dir, operator, { ...request, user: newUser({ email: `b${i}@x.example` }) }),
        ),
      )
      for (const code of codes)
        assert.ok([null, 'customer_not_found', 'tenant_not_found'].includes(code), String(code))
      const deletions = codes.slice(AT_ONCE, AT_ONCE + 2)
      assert.deepEqual(deletions.toSorted(), ['customer_not_found', null])
      // No reconciler runs here: it would remove the accounts.
      await dir.store.write((tx) =>
        tx.query((db) =>
          db.updateTable('accounts').set((eb) => ({ applied_version: eb('desired_version', '+', 1) })),
        ),
      )
      await runJobs(on)
      for (const user of await readUsers(on, customerId)) assert.notEqual(user.deleted_at, null)
      const entries = (await readAudit(dir)).filter(({ operation }) => operation === 'DeleteCustomer')
      const outcomes = entries.filter(({ status }) => status === 'Succeeded').map(({ outcome }) => outcome)
      assert.deepEqual(outcomes, ['deleted', 'begun'])
    })

    test('the receipt of a deletion counts accounts that end by another way', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator, osis, customerId } = on
      for (const name of ['a', 'b']) await createAccount(dir, osis, newAccountRequest(on, name))
      const { jobId } = await deleteCustomer(dir, operator, { customerId, purgeData: false })
      // As the reconciler does with accounts that no platform has had when their tenant is deleted.
      await dir.store.write((tx) =>
        tx.query((db) =>
          db.updateTable('accounts').set({ wanted: 0, applied_version: sql`desired_version` }),
        ),
      )
      await runJobs(on)
      const { state, result, done, total } = await getJob(dir, operator, jobId)
      assert.deepEqual([state, done, total], ['succeeded', 4, 4])
      assert.deepEqual(result, { users: 2, accounts: 2, purgedData: false, keptAccounts: [] })
    })

    test('a deleted reseller leaves its customers without a context', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const reseller = await addOrganization(on, 'reseller')
      const customer = await addOrganization(on, 'customer', [reseller.id])
      const request = { organizationId: customer.id, kind: 'customer', resellerId: reseller.id } as const
      const codes = await race(
        ...repeat(
          (i) => () => createUser(dir, operator, { ...request, user: newUser({ email: `a${i}@x.example` }) }),
        ),
        () => deleteReseller(dir, operator, reseller.id),
      )
      for (const code of codes) assert.ok([null, 'reseller_not_found'].includes(code), String(code))
      await runJobs(on)
      for (const user of await readUsers(on, customer.id)) assert.equal(user.reseller_pk, null)
      const view = await getCustomer(dir, operator, { customerId: customer.id })
      assert.deepEqual(view.resellerIds, [])
    })

    test('what an organization gets at the moment of its deletion does not outlive it', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const reseller = await addOrganization(on, 'reseller')
      const customer = await addOrganization(on, 'customer')
      const addClient = (organizationId: string) => () =>
        createClient(dir, operator, { organizationId, name: 'Client', permission: 'viewer' })
      const codes = await race(
        () => deleteReseller(dir, operator, reseller.id),
        addClient(reseller.id),
        ...few((i) => () => {
          const domain = `portal-${i}.example`
          if (i % 2) return updatePortal(dir, operator, { resellerId: reseller.id, domain })
          return createPortal(dir, operator, { organizationId: reseller.id, domain })
        }),
        () => deleteCustomer(dir, operator, { customerId: customer.id, purgeData: false }),
        addClient(customer.id),
        ...few(() => () => {
          const request = { customerId: customer.id, accounts: 'named' } as const
          return updateCustomerTenant(dir, operator, request)
        }),
      )
      for (const code of codes) assert.match(String(code), /^null$|_not_found$/)
      assert.deepEqual(await countOwned(on, reseller.id), [0, 0, 0])
      assert.deepEqual(await countOwned(on, customer.id), [0, 0, 0])
    })

    test('a reseller that gets several portals at the same moment has one of them', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const { id: resellerId } = await addOrganization(on, 'reseller')
      const codes = await race(
        ...few((i) => () => updatePortal(dir, operator, { resellerId, domain: `portal-${i}.example` })),
      )
      assert.deepEqual(new Set(codes), new Set([null]))
      assert.deepEqual(await countOwned(on, resellerId), [1, 0, 0])
      assert.match(String((await getReseller(dir, operator, resellerId)).portal), /^portal-\d+\.example$/)
    })

    test('an identifier is changed for one relation alone', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const reseller = await addOrganization(on, 'reseller')
      const { id: customerId } = await createCustomer(dir, operator, {
        company: { companyName: 'Acme Lda' },
        resellerId: reseller.id,
        internalIdentifier: 'R-1',
      })
      await updateCustomerIdentifier(dir, operator, { customerId, identifier: 'P-1' })
      const related = await getCustomer(dir, operator, { customerId, resellerId: reseller.id })
      const own = await getCustomer(dir, operator, { customerId })
      assert.deepEqual([related.internalIdentifier, own.internalIdentifier], ['R-1', 'P-1'])
    })
  })
}
