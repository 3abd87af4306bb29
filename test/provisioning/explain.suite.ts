import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isPermitted } from '../../src/directory/access.ts'
import { eraseUser } from '../../src/directory/erasure.ts'
import { explainRequest } from '../../src/directory/explain/request.ts'
import type { UserExplanation } from '../../src/directory/explain/user.ts'
import {
  createPersonAccount,
  deletePersonAccount,
  updatePersonAccount,
} from '../../src/directory/person-accounts.ts'
import {
  createPersonCredential,
  deletePersonCredential,
  updatePersonCredential,
} from '../../src/directory/person-credentials.ts'
import { resumeCustomer, suspendCustomer } from '../../src/directory/suspension.ts'
import { updateTenantAccounts } from '../../src/directory/tenant-accounts.ts'
import { adoptCustomer } from '../../src/directory/tenants.ts'
import { deleteUser, suspendUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import type { Context } from '../../src/model/context.ts'
import { NEXT_OPERATIONS, type NextCode, type ReasonCode, type StepCode } from '../../src/model/explain.ts'
import { newId } from '../../src/model/ids.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { unconfiguredPlatform } from '../../src/platform/unconfigured.ts'
import { explainAccount, explainUser } from '../../src/provisioning/explain.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import {
  findClosedUrl,
  newPlatform,
  refusal,
  respond,
  startFakeGateway,
} from '../platform/ceph-rgw/fake-gateway.ts'
import {
  addClient,
  addOrganization,
  newTestDirectory,
  newUser,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from '../support/platform.ts'
import { NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'
import { watchReads } from '../support/watched-store.ts'
import { QUIET } from './reconciler-world.ts'

/** A user with an account and a key that work, in a customer whose people all get accounts. */
interface World {
  readonly on: TestDirectory
  readonly platform: FakePlatform
  readonly reconciler: Reconciler
  readonly userId: string
  readonly accessKey: string
  readonly canonicalId: string
}

async function newWorld(open: OpenStore): Promise<World> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const { dir, operator, tenantId, customerId } = on
  await updateTenantAccounts(dir, operator, { tenantId, accounts: 'everyone' })
  const user = newUser({ email: 'ada@example.com' })
  const { id: userId } = await createUser(dir, operator, { organizationId: customerId, user })
  const { key, account } = await createPersonCredential(dir, operator, { userId })
  const reconciler = new Reconciler(dir, only(platform), QUIET)
  await reconciler.drain()
  const { accessKey } = key
  return { on, platform, reconciler, userId, accessKey, canonicalId: account.canonicalUserId }
}

function ask(
  world: World,
  ctx: Context,
  options: { compare?: boolean; user?: string } = {},
): Promise<UserExplanation> {
  const deps = { dir: world.on.dir, platforms: only(world.platform) }
  return explainUser(deps, ctx, { user: world.userId, patienceMs: 1_000, ...options })
}

interface Case {
  readonly name: string
  /** Makes the failure. Returns the user to explain; the world's when left out. */
  readonly make: (world: World) => Promise<unknown>
  readonly failed: StepCode
  readonly reason: ReasonCode
  readonly next: readonly NextCode[]
  readonly compare?: true
}

async function addTo(world: World, organizationId: string): Promise<string> {
  const { dir, operator } = world.on
  const user = newUser({ email: `${newId()}@example.com` })
  return (await createUser(dir, operator, { organizationId, user })).id
}

/** Lets the world's account fail. */
async function failToApply({ on, platform, reconciler, userId }: World, times: number): Promise<void> {
  platform.fail('it is full')
  await createPersonCredential(on.dir, on.operator, { userId })
  for (let i = 0; i < times; i++) {
    await reconciler.drain()
    on.clock.now = new Date(on.clock.now.getTime() + 3_600_000)
  }
}

const CASES: readonly Case[] = [
  {
    name: 'a deleted user',
    make: ({ on, userId }) => deleteUser(on.dir, on.operator, { user: userId }),
    ...{ failed: 'user_exists', reason: 'user_deleted', next: ['restore_user'] },
  },
  {
    name: 'an erased person',
    make: ({ on, userId }) => eraseUser(on.dir, on.operator, { user: userId, force: true }),
    ...{ failed: 'user_exists', reason: 'user_erased', next: ['add_user'] },
  },
  {
    name: 'a suspended person',
    make: ({ on, userId }) => suspendUser(on.dir, on.operator, { user: userId }),
    ...{ failed: 'user_active', reason: 'user_suspended', next: ['resume_user'] },
  },
  {
    name: 'a suspended customer',
    make: ({ on }) => suspendCustomer(on.dir, on.operator, on.customerId),
    ...{ failed: 'organization_active', reason: 'organization_suspended', next: ['resume_customer'] },
  },
  {
    name: 'a customer without a tenant',
    make: async (world) =>
      addTo(world, (await addOrganization(world.on, 'customer', [world.on.resellerId])).id),
    ...{ failed: 'tenant_exists', reason: 'no_tenant', next: ['add_tenant'] },
  },
  {
    name: 'an org that is not mapped',
    async make(world) {
      const { dir, operator } = world.on
      const { id } = await addOrganization(world.on, 'customer', [world.on.resellerId])
      await adoptCustomer(dir, operator, { customerId: id, name: 'T', orgIds: [] })
      return addTo(world, id)
    },
    ...{ failed: 'org_mapped', reason: 'no_org', next: ['map_org', 'give_account'] },
  },
  {
    name: 'a user whom Cloud Director has not named',
    async make(world) {
      const { dir, operator } = world.on
      const { id } = await addOrganization(world.on, 'customer', [world.on.resellerId])
      await adoptCustomer(dir, operator, { customerId: id, name: 'T', orgIds: ['org-t'] })
      return addTo(world, id)
    },
    ...{ failed: 'account_exists', reason: 'not_named', next: ['open_storage', 'give_account'] },
  },
  {
    name: 'an account whose removal goes on',
    make: async ({ on, platform, userId }) => {
      platform.fail('down')
      await deletePersonAccount(on.dir, on.operator, { userId, purge: true })
    },
    ...{ failed: 'account_exists', reason: 'being_removed', next: ['wait'] },
  },
  {
    name: 'an account that was removed',
    make: async ({ on, reconciler, userId }) => {
      await deletePersonAccount(on.dir, on.operator, { userId, purge: true })
      await reconciler.drain()
    },
    ...{ failed: 'account_exists', reason: 'account_removed', next: ['give_account'] },
  },
  {
    name: 'a suspended account',
    make: ({ on, userId }) => updatePersonAccount(on.dir, on.operator, { userId, active: false }),
    ...{ failed: 'account_active', reason: 'account_suspended', next: ['resume_account'] },
  },
  {
    name: 'a platform that is down',
    make: async ({ platform }) => platform.say({ version: '1', health: 'ERROR', reason: 'nobody is there' }),
    ...{ failed: 'platform_well', reason: 'platform_ill', next: ['mend_platform'] },
  },
  {
    name: 'a change that waits',
    make: ({ on, userId }) => createPersonCredential(on.dir, on.operator, { userId }),
    ...{ failed: 'applied', reason: 'waiting', next: ['wait'] },
  },
  {
    name: 'an account that fails',
    make: (world) => failToApply(world, 1),
    ...{ failed: 'applied', reason: 'failing', next: ['wait', 'retry_account'] },
  },
  {
    name: 'a parked account',
    make: (world) => failToApply(world, 15),
    ...{ failed: 'applied', reason: 'parked', next: ['retry_account'] },
  },
  {
    name: 'an account without a key',
    make: async ({ on, reconciler, userId, accessKey }) => {
      await deletePersonCredential(on.dir, on.operator, { userId, accessKey })
      await reconciler.drain()
    },
    ...{ failed: 'key_exists', reason: 'no_key', next: ['add_key'] },
  },
  {
    name: 'a disabled key',
    make: async ({ on, reconciler, userId, accessKey }) => {
      await updatePersonCredential(on.dir, on.operator, { userId, accessKey, active: false })
      await reconciler.drain()
    },
    ...{ failed: 'key_exists', reason: 'keys_disabled', next: ['enable_key', 'add_key'] },
  },
  {
    name: 'a secret that cannot be opened',
    make: ({ on }) =>
      on.dir.store.write(async (tx) => {
        await tx.query((db) => db.updateTable('credentials').set({ sealed_secret: '2.none.x' }))
      }),
    ...{ failed: 'key_opens', reason: 'secret_lost', next: ['delete_key', 'add_key'] },
  },
  {
    name: 'drift',
    make: async ({ platform, canonicalId }) => platform.accounts.delete(canonicalId),
    ...{ failed: 'platform_agrees', reason: 'drift', next: ['mend_account'], compare: true },
  },
  {
    name: 'a full quota',
    make: ({ on }) =>
      on.dir.store.write(async (tx) => {
        const [account] = await tx.query((db) => db.selectFrom('accounts').selectAll())
        assert.ok(account)
        const { pk: account_pk, provider_pk, tenant_pk, platform } = account
        const used = { bucket_count: 1, object_count: 1, used_bytes: 10, quota_bytes: 10 }
        const row = { account_pk, provider_pk, tenant_pk, platform, ...used, read_at: NOW, due_at: NOW }
        await tx.query((db) => db.insertInto('contents').values(row))
      }),
    ...{ failed: 'quota_left', reason: 'quota_used', next: ['free_space'] },
  },
]

export function explainSuite(open: OpenStore): void {
  describe('explaining a user', () => {
    test('nothing is wrong with an account that works, and the platform was not asked', () => works(open))
    for (const one of CASES) test(`${one.name}: ${one.failed}`, () => isExplained(open, one))
    test('a gateway that is stopped, one that refuses our keys, and one without settings', () =>
      gateways(open))
    test('users out of reach look like ones that do not exist, after the same look-ups', () =>
      reachIsKept(open))
    test('people of providers and resellers need no storage', () => othersNeedNone(open))
    test('a request waits while accounts of the customer lack what it changed, and no later one has replaced it', () =>
      requestWaits(open))
  })
}

async function works(open: OpenStore): Promise<void> {
  const world = await newWorld(open)
  const { on, platform, canonicalId, userId } = world
  const calls = platform.calls.length
  platform.fail('the account must not be read')
  const found = await ask(world, on.operator)
  assert.deepEqual([found.failed, found.next, platform.calls.length], [null, [], calls])
  assert.deepEqual(
    found.steps.filter(({ state }) => state !== 'yes').map(({ code, state }) => [code, state]),
    [
      ['org_mapped', 'not_needed'],
      ['platform_agrees', 'unknown'],
      ['quota_left', 'unknown'],
    ],
  )
  assert.equal(found.account?.canonicalUserId, canonicalId)
  const deps = { dir: on.dir, platforms: only(platform) }
  const ofAccount = await explainAccount(deps, on.operator, { canonicalId, patienceMs: 1_000 })
  assert.deepEqual(ofAccount, found)
  assert.deepEqual(await ask(world, on.operator, { user: 'ADA@example.com' }), found)
  platform.succeed()
  const compared = await ask(world, on.operator, { compare: true })
  assert.equal(compared.steps.find(({ code }) => code === 'platform_agrees')?.state, 'yes')
  assert.equal(compared.user.id, userId)
}

/** The steps whose causes administrators of a reseller cannot end alone. */
const FOR_PROVIDERS = new Set(['tenant_exists', 'platform_configured', 'platform_well'])

async function isExplained(open: OpenStore, one: Case): Promise<void> {
  const world = await newWorld(open)
  const { on } = world
  const made = await one.make(world)
  const user = typeof made === 'string' ? made : world.userId
  const options = { user, ...(one.compare && { compare: true }) }
  const found = await ask(world, on.operator, options)
  const step = found.steps.find(({ code }) => code === found.failed)
  assert.deepEqual([found.failed, step?.reason?.code], [one.failed, one.reason])
  assert.deepEqual(
    found.next.map(({ code }) => code),
    one.next,
  )
  const at = found.steps.findIndex(({ code }) => code === found.failed)
  assert.ok(found.steps.slice(0, at).every(({ state }) => state !== 'no'))
  assert.ok(found.steps.slice(at + 1).every(({ state }) => state === 'unknown'))
  assert.doesNotMatch(JSON.stringify(found), /secretKey|sealed/)
  for (const permission of ['administrator', 'viewer'] as const) {
    const reader = await addClient(on, on.resellerId, permission)
    if (one.compare && permission === 'viewer') continue
    const seen = await ask(world, reader, options)
    assert.deepEqual([seen.failed, seen.next.length > 0], [one.failed, true])
    if (permission === 'administrator' && !FOR_PROVIDERS.has(one.failed))
      assert.deepEqual(
        seen.next.map(({ code }) => code),
        one.next,
      )
    for (const { code } of seen.next) {
      const operation = NEXT_OPERATIONS[code]
      assert.ok(operation === null || (operation !== 'operator' && isPermitted(reader, operation)), code)
    }
    assert.doesNotMatch(JSON.stringify(seen), /it is full|nobody is there/)
  }
}

async function gateways(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open, 'ceph-rgw')
  const { dir, operator, tenantId, customerId } = on
  await updateTenantAccounts(dir, operator, { tenantId, accounts: 'everyone' })
  const { id: user } = await createUser(dir, operator, { organizationId: customerId, user: newUser() })
  const explain = (platform: Platform) =>
    explainUser({ dir, platforms: only(platform) }, operator, { user, patienceMs: 5_000 })
  const causeOf = ({ steps, failed }: UserExplanation) => steps.find(({ code }) => code === failed)?.reason
  const stopped = await explain(newPlatform(await findClosedUrl()))
  assert.partialDeepStrictEqual(causeOf(stopped), { code: 'platform_ill', params: { health: 'ERROR' } })
  assert.match(JSON.stringify(causeOf(stopped)), /ECONNREFUSED/)
  const gateway = await startFakeGateway()
  gateway.respondWith(refusal(403, 'InvalidAccessKeyId'))
  const refused = await explain(newPlatform(gateway.url))
  assert.match(JSON.stringify(causeOf(refused)), /InvalidAccessKeyId/)
  gateway.respondWith(respond(200, '{}'))
  gateway.close()
  assert.equal(causeOf(await explain(unconfiguredPlatform('ceph-rgw')))?.code, 'not_configured')
  const never: Platform = {
    ...newFakePlatform(),
    name: 'ceph-rgw',
    status: () => new Promise(() => undefined),
  }
  const late = await explainUser({ dir, platforms: only(never) }, operator, { user, patienceMs: 1 })
  assert.partialDeepStrictEqual(
    late.steps.find(({ code }) => code === 'platform_well'),
    {
      state: 'unknown',
      reason: { code: 'health_not_known' },
    },
  )
}

async function reachIsKept(open: OpenStore): Promise<void> {
  const world = await newWorld(open)
  const { on, userId, canonicalId } = world
  const { store, take } = watchReads(on.dir.store)
  const deps = { dir: { ...on.dir, store }, platforms: only(world.platform) }
  const beside = await addOrganization(on, 'reseller')
  const other = await addOrganization(on, 'customer', [beside.id])
  const own = await addClient(on, on.customerId)
  assert.equal((await explainUser(deps, own, { user: userId, patienceMs: 0 })).failed, null)
  for (const ctx of [await addClient(on, beside.id), await addClient(on, other.id, 'viewer')]) {
    const refusals: string[] = []
    for (const user of [userId, newId(), 'ada@example.com', 'nobody@example.com']) {
      take()
      await assert.rejects(explainUser(deps, ctx, { user, patienceMs: 0 }), refusedAs('user_not_found'))
      refusals.push(take().join())
    }
    assert.deepEqual([refusals[0], refusals[2]], [refusals[1], refusals[3]])
    for (const id of [canonicalId, 'none$none']) {
      take()
      const options = { canonicalId: id, patienceMs: 0 }
      await assert.rejects(explainAccount(deps, ctx, options), refusedAs('account_not_found'))
      refusals.push(take().join())
    }
    assert.equal(refusals[4], refusals[5])
  }
}

async function othersNeedNone(open: OpenStore): Promise<void> {
  const world = await newWorld(open)
  const { on } = world
  const { dir, operator, resellerId } = on
  const request = { organizationId: resellerId, kind: 'reseller', user: newUser() } as const
  const { id } = await createUser(dir, operator, request)
  const found = await ask(world, operator, { user: id })
  assert.deepEqual([found.failed, found.account], [null, null])
  await createPersonAccount(dir, operator, { userId: id }).catch(() => undefined)
}

async function requestWaits(open: OpenStore): Promise<void> {
  const { on, platform, reconciler, userId } = await newWorld(open)
  const { dir, operator, customerId } = on
  const suspension = { ...operator, correlationId: newId() }
  platform.fail('down')
  await suspendCustomer(dir, suspension, customerId)
  await reconciler.drain()
  const explain = () => explainRequest(dir, operator, suspension.correlationId)
  const late = await explain()
  assert.equal(late.failed, 'request_applied')
  assert.deepEqual(late.steps.at(-1)?.reason, { code: 'not_applied', params: { waiting: 1, failed: 0 } })
  assert.deepEqual(late.next, [{ code: 'explain_user', params: { userId } }])
  await resumeCustomer(dir, operator, customerId)
  assert.equal((await explain()).failed, null)
}
