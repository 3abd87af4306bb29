import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAccount, deleteAccount } from '../../src/directory/accounts.ts'
import { queryCredentials } from '../../src/directory/credentials.ts'
import { followStatus } from '../../src/directory/following.ts'
import { getJob } from '../../src/directory/jobs/jobs.ts'
import { JOB_KINDS } from '../../src/directory/jobs/kinds.ts'
import { JobRunner } from '../../src/directory/jobs/runner.ts'
import { deletePersonAccount, updatePersonAccount } from '../../src/directory/person-accounts.ts'
import { createPersonCredential } from '../../src/directory/person-credentials.ts'
import { updateTenantAccounts } from '../../src/directory/tenant-accounts.ts'
import { runUnit } from '../../src/directory/unit.ts'
import { deleteUser, restoreUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import type { Account, NewAccount } from '../../src/model/accounts.ts'
import type { AccountPolicy } from '../../src/model/tenants.ts'
import { selectAccountsOfUser } from '../../src/store/accounts/accounts.ts'
import {
  deleteRemovedAccount,
  markAccountRemoved,
  markAccountRestored,
} from '../../src/store/accounts/changes.ts'
import { claimAccount, markAccountApplied } from '../../src/store/accounts/leases.ts'
import {
  addAccount,
  getOrganization,
  newTestDirectory,
  newUser,
  readAudit,
  type TestDirectory,
} from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

/** Accounts of people whom Cloud Director does not name. */
export function peopleAccountsSuite(open: OpenStore): void {
  describe('accounts of everyone', () => {
    test('a create makes the account in its own commit; where Cloud Director names people, it makes none', () =>
      createMakesAccount(open))
    test('a switch gives accounts to all who are there, and to those whom a stale create adds meanwhile', () =>
      switchMissesNobody(open))
    test('Cloud Director finds the account by e-mail, with its data and keys, and gets one that works', () =>
      cloudDirectorLinks(open))
    test('a user who comes back has an account again, and no former key works', () => restoreGivesBack(open))
    test('no key of a user who was deleted works again, also where Cloud Director names people', () =>
      leaversLoseKeys(open))
    test('an account whose data is being purged is not given back before the data is gone', () =>
      purgeComesFirst(open))
  })
  test('refused calls about accounts leave no e-mail address in the log', () => refusalsNameNobody(open))
  test('all accounts follow the status of their customer, also one that is created at the same moment', () =>
    customersAreFollowed(open))
}

async function refusalsNameNobody(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  const { dir, operator } = on
  await addUser(on, 'no.account@x.example')
  for (const userId of ['no.account@x.example', 'no.user@x.example']) {
    await assert.rejects(updatePersonAccount(dir, operator, { userId, active: false }))
    await assert.rejects(createPersonCredential(dir, operator, { userId }))
    await deletePersonAccount(dir, operator, { userId, purge: false }).catch(() => undefined)
  }
  const failed = (await readAudit(dir)).filter(({ status }) => status === 'Failed')
  assert.ok(failed.length >= 4)
  assert.doesNotMatch(JSON.stringify(failed), /@x\.example/)
}

function setPolicy({ dir, operator, tenantId }: TestDirectory, accounts: AccountPolicy) {
  return updateTenantAccounts(dir, operator, { tenantId, accounts })
}

async function addUser(on: TestDirectory, email: string): Promise<string> {
  const request = { organizationId: on.customerId, user: newUser({ email }) }
  return (await createUser(on.dir, on.provider, request)).id
}

function accountsOf({ dir, setup }: TestDirectory, userId: string) {
  return dir.store.read(async (tx) => {
    const [provider] = await tx.query((db) =>
      db.selectFrom('organizations').select('pk').where('id', '=', setup.provider.id),
    )
    return selectAccountsOfUser(tx, provider?.pk ?? 0, userId)
  })
}

async function keysOf(on: TestDirectory, userId: string): Promise<readonly string[]> {
  const request = { filter: { tenantId: on.tenantId, userId }, page: { offset: 0, limit: 10 } }
  return (await queryCredentials(on.dir, on.osis, request)).items.map((one) => one.accessKey)
}

function link(on: TestDirectory, change: Partial<NewAccount> = {}) {
  const account = { orgId: on.orgId, orgUserId: 'cd', username: 'Ada L.', email: 'ada@example.com' }
  const request = { ...account, role: 'TENANT_ADMIN', active: true, ...change } as const
  return createAccount(on.dir, on.osis, { tenantId: on.tenantId, account: request })
}

const runJobs = ({ dir }: TestDirectory): Promise<void> =>
  new JobRunner(dir, JOB_KINDS, { error: (fields) => assert.fail(JSON.stringify(fields)) }).drain()

async function createMakesAccount(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  const before = await addUser(on, 'before@example.com')
  assert.deepEqual(await accountsOf(on, before), [])
  await setPolicy(on, 'everyone')
  const ada = await addUser(on, 'ada@example.com')
  assert.partialDeepStrictEqual(await accountsOf(on, ada), [
    {
      tenantId: on.tenantId,
      canonicalUserId: `${on.tenantId}$${ada}`,
      ...{ orgId: '', orgUserId: ada, username: ada, email: 'ada@example.com', role: 'TENANT_USER' },
      ...{ enabled: true, active: true, desiredVersion: 1, appliedVersion: 0 },
    },
  ])
  assert.deepEqual(await keysOf(on, ada), [])
  const entries = (await readAudit(on.dir, 2)).map(({ operation, outcome, target }) => [
    operation,
    outcome,
    target,
  ])
  assert.deepEqual(entries, [
    ['CreateAccount', 'created', ada],
    ['CreateUser', 'created', ada],
  ])
  assert.equal(await addUser(on, 'ADA@example.com'), ada)
  assert.equal((await accountsOf(on, ada)).length, 1)
  await setPolicy(on, 'named')
  assert.deepEqual(await accountsOf(on, await addUser(on, 'after@example.com')), [])
  assert.equal((await accountsOf(on, ada)).length, 1)
}

async function switchMissesNobody(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  const ids = []
  for (let i = 0; i < 130; i++) ids.push(await addUser(on, `user${i}@example.com`))
  const deleted = await addUser(on, 'deleted@example.com')
  await deleteUser(on.dir, on.operator, { user: deleted })
  const [key = '', scope] = [...on.dir.createScopes.entries()][0] ?? []
  const { jobId } = await setPolicy(on, 'everyone')
  await runJobs(on)
  // Another process still has the customer in its cache.
  on.dir.createScopes.set(key, scope ?? assert.fail())
  ids.push(await addUser(on, 'stale@example.com'))
  assert.deepEqual(await accountsOf(on, ids.at(-1) ?? ''), [])
  const running = await getJob(on.dir, on.operator, jobId ?? '')
  assert.deepEqual([running.state, running.done, running.target], ['waiting', 130, on.customerId])
  on.clock.now = new Date(on.clock.now.getTime() + 31_000)
  await runJobs(on)
  for (const id of ids) assert.equal((await accountsOf(on, id)).length, 1)
  assert.deepEqual(await accountsOf(on, deleted), [])
  const ended = await getJob(on.dir, on.operator, jobId ?? '')
  assert.deepEqual([ended.state, ended.result], ['succeeded', { accounts: 131 }])
  const made = (await readAudit(on.dir)).filter(({ operation }) => operation === 'CreateAccount')
  assert.equal(made.length, 131)
}

async function cloudDirectorLinks(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  await setPolicy(on, 'everyone')
  const ada = await addUser(on, 'ada@example.com')
  const { account } = await link(on)
  assert.partialDeepStrictEqual(account, {
    ...{ userId: ada, canonicalUserId: `${on.tenantId}$${ada}`, active: true },
    ...{
      orgId: on.orgId,
      orgUserId: 'cd',
      username: 'Ada L.',
      email: 'ada@example.com',
      role: 'TENANT_ADMIN',
    },
  })
  const [entry] = await readAudit(on.dir, 1)
  assert.deepEqual([entry?.operation, entry?.outcome, entry?.target], ['LinkAccount', 'linked', ada])
  const keys = await keysOf(on, ada)
  assert.equal(keys.length, 1)
  // A repeat changes nothing, and another Cloud Director user with this e-mail is another person.
  assert.equal((await link(on)).account.userId, ada)
  assert.deepEqual(await keysOf(on, ada), keys)
  assert.notEqual((await link(on, { orgUserId: 'other' })).account.userId, ada)
  // Several calls at once make one account of it.
  const bob = await addUser(on, 'bob@example.com')
  const person = { orgUserId: 'bob', email: 'Bob@example.com' }
  const made = await Promise.all(Array.from({ length: 5 }, () => link(on, person)))
  assert.deepEqual([...new Set(made.map((one) => one.account.userId))], [bob])
  assert.equal((await keysOf(on, bob)).length, 1)
}

/** Records that the platform has carried a removal out. */
async function applyRemoval({ dir }: TestDirectory, pk: number, version: number): Promise<void> {
  const [now, by] = [new Date().toISOString(), 'test']
  await dir.store.write(async (tx) => {
    await claimAccount(tx, pk, { now, until: now, by })
    await markAccountApplied(tx, { pk, by }, version)
    await deleteRemovedAccount(tx, pk, now)
  })
}

async function restoreGivesBack(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  await setPolicy(on, 'everyone')
  const ada = await addUser(on, 'ada@example.com')
  const { account } = await link(on)
  const now = on.clock.now.toISOString()
  // Restored while the removal runs, after it has ended, and after it was cancelled because of data.
  for (const end of [
    async () => undefined,
    () => applyRemoval(on, account.pk, 100),
    () => on.dir.store.write((tx) => markAccountRestored(tx, account.pk, now)),
  ]) {
    const [before] = await accountsOf(on, ada)
    await deleteUser(on.dir, on.operator, { user: ada })
    await end()
    assert.equal(await addUser(on, 'ada@example.com'), ada)
    const [back, ...more] = await accountsOf(on, ada)
    assert.deepEqual(more, [])
    assert.partialDeepStrictEqual(back, { pk: account.pk, enabled: true, active: true })
    assert.ok(back && before && back.desiredVersion > before.desiredVersion)
    assert.deepEqual(await keysOf(on, ada), [])
  }
}

async function leaversLoseKeys(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  const { dir, operator } = on
  // The platform finds data before or after the user is restored, or while Cloud Director removes the account too.
  for (const steps of [
    ['delete', 'find data', 'restore'],
    ['delete', 'restore', 'find data'],
    ['remove', 'delete', 'find data', 'restore'],
    ['remove', 'delete', 'restore', 'find data'],
  ]) {
    const email = `${steps.join('.').replaceAll(' ', '.')}@example.com`
    const user = await addUser(on, email)
    const { account } = await link(on, { orgUserId: email, email })
    assert.equal((await keysOf(on, user)).length, 1)
    const now = on.clock.now.toISOString()
    for (const step of steps) {
      const ids = { tenantId: on.tenantId, userId: user }
      if (step === 'remove') await deleteAccount(dir, on.osis, { ...ids, purge: false })
      else if (step === 'delete') await deleteUser(dir, operator, { user })
      else if (step === 'restore') await restoreUser(dir, operator, { user })
      else await dir.store.write((tx) => markAccountRestored(tx, account.pk, now))
    }
    assert.partialDeepStrictEqual(await accountsOf(on, user), [{ enabled: false, active: false }])
    await updatePersonAccount(dir, operator, { userId: user, active: true })
    assert.partialDeepStrictEqual(await accountsOf(on, user), [{ enabled: true, active: true }])
    assert.deepEqual(await keysOf(on, user), [], steps.join(', '))
  }
}

async function purgeComesFirst(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  await setPolicy(on, 'everyone')
  await runJobs(on)
  const ada = await addUser(on, 'ada@example.com')
  const [account = assert.fail()] = await accountsOf(on, ada)
  await on.dir.store.write((tx) =>
    markAccountRemoved(tx, account.pk, { purge: true, now: on.clock.now.toISOString() }),
  )
  await deleteUser(on.dir, on.operator, { user: ada })
  assert.equal(await addUser(on, 'ada@example.com'), ada)
  assert.deepEqual(await accountsOf(on, ada), [])
  await applyRemoval(on, account.pk, 100)
  for (let i = 0; i < 2; i++) {
    on.clock.now = new Date(on.clock.now.getTime() + 40_000)
    await runJobs(on)
  }
  assert.partialDeepStrictEqual(await accountsOf(on, ada), [
    { pk: account.pk, appliedVersion: 0, active: true },
  ])
}

async function customersAreFollowed(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  const accounts: Account[] = []
  for (const orgUserId of ['a', 'b', 'c']) accounts.push(await addAccount(on, orgUserId))
  const customer = await getOrganization(on.dir, on.customerId)
  const setSuspended = (suspended_at: string | null): Promise<string> =>
    runUnit(on.dir, on.provider, { operation: 'FollowOrganization' }, async (unit) => {
      await unit.tx.query((db) =>
        db.updateTable('organizations').set({ suspended_at }).where('pk', '=', customer.pk),
      )
      return followStatus(unit, customer)
    })
  const read = (): Promise<boolean[]> =>
    on.dir.store.read(async (tx) => {
      const rows = await tx.query((db) => db.selectFrom('accounts').select('active').orderBy('pk'))
      return rows.map(({ active }) => active === 1)
    })
  const jobId = await setSuspended(on.clock.now.toISOString())
  assert.deepEqual(await read(), [false, false, false])
  // A create that did not see the suspension.
  await on.dir.store.write((tx) =>
    tx.query((db) =>
      db
        .updateTable('accounts')
        .set({ active: 1 })
        .where('pk', '=', accounts[1]?.pk ?? 0),
    ),
  )
  await runJobs(on)
  assert.deepEqual(await read(), [false, false, false])
  const job = await getJob(on.dir, on.operator, jobId)
  assert.deepEqual([job.state, job.result, job.target], ['succeeded', { accounts: 1 }, on.customerId])
  await setSuspended(null)
  assert.deepEqual(await read(), [true, true, true])
}
