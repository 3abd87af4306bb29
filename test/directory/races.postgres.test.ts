import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCustomer } from '../../src/directory/customers.ts'
import { deleteCustomer, deleteReseller } from '../../src/directory/deletion.ts'
import { applyBulkRows, beginBulk } from '../../src/directory/imports/bulk.ts'
import { JOB_KINDS } from '../../src/directory/jobs/kinds.ts'
import { JobRunner } from '../../src/directory/jobs/runner.ts'
import { updatePersonAccount } from '../../src/directory/person-accounts.ts'
import { relateOrganization, unrelateOrganization } from '../../src/directory/relations.ts'
import { updateCustomerTenant } from '../../src/directory/tenant-accounts.ts'
import { deleteUser, suspendUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import { newId } from '../../src/model/ids.ts'
import { toTextRow } from '../../src/model/person-rows.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { followOrganization } from '../../src/store/accounts/following.ts'
import { selectUsersByEmails } from '../../src/store/tables/many-users.ts'
import { lockOrganizationsShared } from '../../src/store/tables/organizations.ts'
import { QUIET } from '../provisioning/reconciler-world.ts'
import {
  addOrganization,
  newTestDirectory,
  newUser,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { newFakePlatform, only } from '../support/platform.ts'
import { onServer } from '../support/postgres.ts'
import { postgresStores, type Tampered } from '../support/stores.ts'

// A unit reads one snapshot. These tests let other units commit between the snapshot of a unit and its own commit.

/** Waits until a session of the database waits for a lock. */
const AWAIT_BLOCKED = `DO $$ BEGIN
  LOOP
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN EXISTS (
      SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock');
    PERFORM pg_sleep(0.005);
  END LOOP;
END $$`

interface World {
  readonly on: TestDirectory
  /**
   * Runs a unit up to its snapshot, then others, and then the rest of the unit.
   * @param insert a row that the unit inserts, too: the unit waits until this one is undone
   */
  interleave(
    insert: readonly string[],
    unit: () => Promise<unknown>,
    others: () => Promise<void>,
  ): Promise<void>
  /** Runs the jobs that are due. */
  runJobs(): Promise<void>
  /** Runs the jobs until none is left. The clock passes the times for which they wait. */
  endJobs(): Promise<void>
}

async function newWorld({ store, tamper }: Tampered): Promise<World> {
  const on = await newTestDirectory(async () => store, 'fake')
  const runJobs = async (): Promise<void> => {
    const runner = new JobRunner(on.dir, JOB_KINDS, {
      error: (fields) => assert.fail(JSON.stringify(fields)),
    })
    await runner.drain()
    await runner.stop()
  }
  return {
    on,
    runJobs,
    async interleave([sql = '', ...values], unit, others) {
      await tamper('BEGIN')
      await tamper(sql, ...values)
      const running = unit()
      running.catch(() => undefined)
      await tamper(AWAIT_BLOCKED)
      await others()
      await tamper('ROLLBACK')
      await running
    },
    async endJobs() {
      for (let i = 0; i < 5; i++) {
        await runJobs()
        on.clock.now = new Date(on.clock.now.getTime() + 2_000)
      }
    },
  }
}

/** The named lock of units that take an Administrator away. */
function lockOf({ customerId }: TestDirectory): string[] {
  return [`INSERT INTO turns (name, taken_at) VALUES (?, '')`, `administrators ${customerId}`]
}

/** An uncommitted user with an e-mail. */
function userWith(email: string, organizationId: string): string[] {
  const columns = 'id, organization_pk, provider_pk, email_key, name_key, created_at, updated_at'
  const values = `SELECT '-', pk, coalesce(provider_pk, pk), ?, '', '', '' FROM organizations WHERE id = ?`
  return [`INSERT INTO users (${columns}) ${values}`, email, organizationId]
}

/** Adds two Administrators to the customer. Returns the id of one. */
async function addAdministrators({ dir, operator, customerId, setup }: TestDirectory): Promise<string> {
  const add = async (email: string): Promise<string> => {
    const user = newUser({ email, groupIds: [setup.groups.Administrator ?? assert.fail()] })
    return (await createUser(dir, operator, { organizationId: customerId, kind: 'customer', user })).id
  }
  await add('grace@example.com')
  return add('ada@example.com')
}

function readLive({ dir }: TestDirectory, organizationId: string) {
  return dir.store.read((tx) =>
    tx.query((db) =>
      db
        .selectFrom('users')
        .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
        .select('users.email')
        .where('organizations.id', '=', organizationId)
        .where('users.deleted_at', 'is', null),
    ),
  )
}

await onServer('units at the same moment on PostgreSQL', (server) => {
  const { openTampered } = postgresStores(server)

  test('an account that is enabled and applied before a suspension commits is suspended, too', async () => {
    const { on, interleave, endJobs } = await newWorld(await openTampered())
    const { dir, operator, customerId } = on
    const userId = await addAdministrators(on)
    const platform = newFakePlatform()
    const reconciler = new Reconciler(dir, only(platform), QUIET)
    await updateCustomerTenant(dir, operator, { customerId, accounts: 'everyone' })
    await endJobs()
    await updatePersonAccount(dir, operator, { userId, active: false })
    await reconciler.drain()
    const suspend = () => suspendUser(dir, operator, { user: userId })
    await interleave(lockOf(on), suspend, async () => {
      await updatePersonAccount(dir, operator, { userId, active: true })
      await reconciler.drain()
    })
    await reconciler.drain()
    assert.equal(platform.calls.findLast((call) => call.userId === userId)?.status, 'suspended')
  })

  test('an account that everyone gets is removed with its user, who is deleted meanwhile', async () => {
    const { on, interleave, runJobs } = await newWorld(await openTampered())
    const { dir, operator, customerId } = on
    const userId = await addAdministrators(on)
    await updateCustomerTenant(dir, operator, { customerId, accounts: 'everyone' })
    await interleave(lockOf(on), () => deleteUser(dir, operator, { user: userId }), runJobs)
    const accounts = await dir.store.read((tx) =>
      tx.query((db) => db.selectFrom('accounts').select('org_user_id').where('wanted', '=', 1)),
    )
    assert.equal(accounts.length, 1)
    assert.notEqual(accounts[0]?.org_user_id, userId)
  })

  test('a customer is not created for a reseller that is deleted meanwhile', async () => {
    const { on, interleave, endJobs } = await newWorld(await openTampered())
    const { dir, operator } = on
    const reseller = await addOrganization(on, 'reseller')
    const id = newId()
    const insert =
      "INSERT INTO organizations (id, kind, name, name_key, created_at) VALUES (?, 'customer', '', '', '')"
    const create = () =>
      createCustomer(dir, operator, { id, company: { companyName: 'Acme' }, resellerId: reseller.id })
    const created = interleave([insert, id], create, async () => {
      await deleteReseller(dir, operator, reseller.id)
      await endJobs()
    })
    await assert.rejects(created, refusedAs('reseller_not_found'))
  })

  test('customers of one reseller are created without waiting for each other', async () => {
    const { on } = await newWorld(await openTampered())
    const { pk } = await addOrganization(on, 'reseller')
    await on.dir.store.write(async (tx) => {
      await lockOrganizationsShared(tx, [pk])
      await on.dir.store.write((other) => lockOrganizationsShared(other, [pk]))
    })
  })

  test('rows are not imported into a customer that is deleted meanwhile', async () => {
    const { on, interleave, endJobs } = await newWorld(await openTampered())
    const { dir, operator } = on
    const { id } = await addOrganization(on, 'customer')
    const call = await beginBulk(dir, operator, { organizationId: id, resellerId: null })
    const rows = ['ada@example.com', 'grace@example.com'].map((email, i) => toTextRow(i + 1, { email }))
    const apply = () => applyBulkRows(dir, operator, { call, rows })
    const applied = interleave(userWith('grace@example.com', id), apply, async () => {
      await deleteCustomer(dir, operator, { customerId: id, purgeData: false })
      await endJobs()
    })
    await assert.rejects(applied, refusedAs('organization_not_found'))
    assert.deepEqual(await readLive(on, id), [])
  })

  test('a user who is created in a reseller while it is deleted is deleted, too', async () => {
    const { on, interleave, runJobs, endJobs } = await newWorld(await openTampered())
    const { dir, operator } = on
    const { id } = await addOrganization(on, 'reseller')
    const request = { organizationId: id, kind: 'reseller', user: newUser() } as const
    await interleave(
      userWith('ada@example.com', id),
      () => createUser(dir, operator, request),
      async () => {
        await deleteReseller(dir, operator, id)
        await runJobs()
      },
    )
    await endJobs()
    assert.deepEqual(await readLive(on, id), [])
  })

  test('a relation ends although users are created in it all the time', async () => {
    const { on } = await newWorld(await openTampered())
    const { dir, operator } = on
    const { id: resellerId } = await addOrganization(on, 'reseller')
    const { id: customerId } = await addOrganization(on, 'customer', [resellerId])
    const request = { organizationId: customerId, kind: 'customer', resellerId, user: newUser() } as const
    const { store } = dir
    const write: typeof store.write = (work, options) =>
      store.write(async (tx) => {
        // A unit that reads one snapshot has it now.
        await tx.query((db) => db.selectFrom('turns').select('name'))
        await createUser(dir, operator, { ...request, user: newUser({ email: `${newId()}@example.com` }) })
        return work(tx)
      }, options)
    const behind = Object.assign(Object.create(store), { write })
    await unrelateOrganization({ ...dir, store: behind }, operator, { customerId, resellerId })
    assert.equal((await readLive(on, customerId)).length, 1)
  })

  test('an import goes on while accounts follow a suspension of its customer', async () => {
    const { on } = await newWorld(await openTampered())
    const { store } = on.dir
    const { pk } = await addOrganization(on, 'customer')
    const page = { limit: 1, now: on.clock.now.toISOString() }
    let tries = 0
    await store.write(async (tx) => {
      tries++
      await tx.query((db) => db.selectFrom('turns').select('name'))
      await store.write((other) => followOrganization(other, pk, page))
      await lockOrganizationsShared(tx, [pk])
    })
    assert.equal(tries, 1)
  })

  const LOCK_ADA = ["UPDATE users SET version = version WHERE email = 'ada@example.com'"]

  /** A customer of a reseller with one user in its context, and another reseller to whom it can be moved. */
  async function newMove(on: TestDirectory) {
    const { dir, operator } = on
    const [{ id: from }, { id: resellerId, pk }] = [
      await addOrganization(on, 'reseller'),
      await addOrganization(on, 'reseller'),
    ]
    const customer = await addOrganization(on, 'customer', [from])
    const user = newUser({ email: 'ada@example.com' })
    await createUser(dir, operator, { organizationId: customer.id, kind: 'customer', resellerId: from, user })
    const move = (): Promise<void> =>
      relateOrganization(dir, operator, { customerId: customer.id, resellerId, from })
    return { from, customer, resellerId, resellerPk: pk, move }
  }

  test('a reseller gets customers while the users of another one are moved to it', async () => {
    const { on, interleave } = await newWorld(await openTampered())
    const { move, resellerId } = await newMove(on)
    await interleave(LOCK_ADA, move, async () => {
      await createCustomer(on.dir, on.operator, { company: { companyName: 'Acme' }, resellerId })
    })
  })

  test('an import goes on while its customer is moved', async () => {
    const { tamper, ...opened } = await openTampered()
    const { on } = await newWorld({ tamper, ...opened })
    const keys = ['ada@example.com']
    let moved: Promise<void> | undefined
    let tries = 0
    const { store } = on.dir
    const write: typeof store.write = (work, options) =>
      store.write((tx) => {
        tries++
        return work(tx)
      }, options)
    const counting = { ...on, dir: { ...on.dir, store: Object.assign(Object.create(store), { write }) } }
    const { move, customer } = await newMove(counting)
    tries = 0
    await write(async (tx) => {
      await selectUsersByEmails(tx, customer.pk, { keys, deleted: false, locks: true })
      moved ??= move()
      await tamper(AWAIT_BLOCKED)
      await lockOrganizationsShared(tx, [customer.pk])
    })
    await moved
    assert.equal(tries, 2)
  })

  test('a move leaves a user alone whom another unit takes to another reseller meanwhile', async () => {
    const { tamper, ...opened } = await openTampered()
    const { on } = await newWorld({ tamper, ...opened })
    const { move, customer } = await newMove(on)
    const other = await addOrganization(on, 'reseller')
    await relateOrganization(on.dir, on.operator, { customerId: customer.id, resellerId: other.id })
    await tamper('BEGIN')
    await tamper("UPDATE users SET reseller_pk = ? WHERE email = 'ada@example.com'", other.pk)
    const moved = move()
    await tamper(AWAIT_BLOCKED)
    await tamper('COMMIT')
    await moved
    const users = await on.dir.store.read((tx) =>
      tx.query((db) => db.selectFrom('users').select('reseller_pk').where('email', '=', 'ada@example.com')),
    )
    assert.deepEqual(users, [{ reseller_pk: other.pk }])
  })

  test('of two moves of a customer, the later one finds no relation', async () => {
    const { on, interleave } = await newWorld(await openTampered())
    const { move, from, customer } = await newMove(on)
    const { id: resellerId } = await addOrganization(on, 'reseller')
    let later: Promise<void> | undefined
    await interleave(LOCK_ADA, move, async () => {
      later = relateOrganization(on.dir, on.operator, { customerId: customer.id, resellerId, from })
      later.catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 200))
    })
    await assert.rejects(async () => later, refusedAs('relation_not_found'))
  })
})
