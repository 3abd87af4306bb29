import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ACCESS, isPermitted } from '../../src/directory/access.ts'
import { enterPortal } from '../../src/directory/context.ts'
import { type AccessRequest, explainAccess } from '../../src/directory/explain/access.ts'
import { explainRequest } from '../../src/directory/explain/request.ts'
import { createPersonAccount } from '../../src/directory/person-accounts.ts'
import { suspendCustomer } from '../../src/directory/suspension.ts'
import { updateTenantAccounts } from '../../src/directory/tenant-accounts.ts'
import { getUser, suspendUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import type { Operation } from '../../src/model/audit.ts'
import type { Context } from '../../src/model/context.ts'
import type { Explanation } from '../../src/model/explain.ts'
import { newId } from '../../src/model/ids.ts'
import {
  addClient,
  addOrganization,
  addPortal,
  clientIdOf,
  newTestDirectory,
  newUser,
  type TestDirectory,
} from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'
import { watchReads } from '../support/watched-store.ts'

export function explainSuite(open: OpenStore): void {
  describe('explaining a request', () => {
    test('what became of it: recorded, refused, replayed, not on the platform yet', () => requests(open))
    test('a request of others looks like one that was never made', () => foreignRequests(open))
  })
  describe('explaining access', () => {
    test('the decision and its reason are those of the call itself', () => decisions(open))
    test('callers who cannot call at all', () => callers(open))
    test('for every caller and operation, the first step that fails is the one that refuses the call', () =>
      everyOperation(open))
    test('callers and things out of reach look like ones that do not exist', () => accessIsKept(open))
  })
}

/** The cause of an explanation: the step that failed, its reason, and the next steps. */
function causeOf({ steps, failed, next }: Explanation): (string | null | undefined)[] {
  const reason = steps.find(({ code }) => code === failed)?.reason?.code
  return [failed, reason, ...next.map(({ code }) => code)]
}

async function requests(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  const { dir, provider, customerId } = on
  const request = { organizationId: customerId, user: newUser({ email: 'ada@example.com' }) }
  const create = async (change: Partial<Context>, user = request.user): Promise<string> => {
    const ctx = { ...provider, correlationId: newId(), ...change }
    await createUser(dir, ctx, { ...request, user }).catch(() => undefined)
    return ctx.correlationId
  }
  const ask = (id: string) => explainRequest(dir, provider, id)
  const idempotency = { key: 'k', fingerprint: 'f' }
  const created = await ask(await create({ idempotency }))
  assert.deepEqual(causeOf(created), [null, undefined])
  assert.deepEqual(created.outcomes, { created: 1 })
  assert.partialDeepStrictEqual(created.entries, [
    { operation: 'CreateUser', customerName: 'Example Customer' },
  ])
  assert.deepEqual((await ask(await create({ idempotency: { key: 'k', fingerprint: 'f' } }))).outcomes, {
    replayed: 1,
  })
  const taken = await ask(await create({}, newUser({ email: 'ADA@example.com', firstName: 'Eve' })))
  assert.deepEqual(causeOf(taken), ['request_accepted', 'refused', 'correct_request'])
  assert.partialDeepStrictEqual(taken.steps[2]?.reason, {
    params: { operation: 'CreateUser', code: 'email_taken' },
  })
  const viewed = await ask(await create({ permission: 'viewer' }))
  assert.deepEqual(causeOf(viewed), ['request_permitted', 'refused', 'explain_access'])
  await updateTenantAccounts(dir, on.operator, { tenantId: on.tenantId, accounts: 'everyone' })
  const waiting = await ask(await create({}, newUser({ email: 'bob@example.com' })))
  assert.deepEqual(causeOf(waiting), ['request_applied', 'not_applied', 'explain_user'])
  for (const id of [newId(), '', 'x', '\0', "'; --", 'x'.repeat(10_000)])
    assert.deepEqual(causeOf(await ask(id)), ['request_known', 'not_recorded'])
}

async function foreignRequests(open: OpenStore): Promise<void> {
  const on = await newTestDirectory(open)
  const beside = await addClient(on, (await addOrganization(on, 'reseller')).id)
  const { store, take } = watchReads(on.dir.store)
  const dir = { ...on.dir, store }
  const ctx = { ...on.provider, correlationId: newId() }
  await createUser(on.dir, ctx, { organizationId: on.customerId, user: newUser() })
  const own = await addClient(on, on.resellerId, 'viewer')
  assert.equal((await explainRequest(dir, own, ctx.correlationId)).failed, null)
  const absent = newId()
  take()
  const foreign = await explainRequest(dir, beside, ctx.correlationId)
  const asked = take()
  const missing = await explainRequest(dir, beside, absent)
  assert.deepEqual(take(), asked)
  assert.equal(JSON.stringify(foreign).replaceAll(ctx.correlationId, absent), JSON.stringify(missing))
}

interface World {
  readonly on: TestDirectory
  readonly reseller: string
  readonly viewer: string
  readonly other: string
  readonly userId: string
  /** Asks as the operator. */
  ask(request: AccessRequest): Promise<(string | null | undefined)[]>
}

async function newWorld(open: OpenStore): Promise<World> {
  const on = await newTestDirectory(open)
  const { dir, operator, customerId } = on
  const beside = await addOrganization(on, 'reseller')
  await addPortal(on, 'beside.example', beside.id)
  const { id: userId } = await createUser(dir, operator, { organizationId: customerId, user: newUser() })
  return {
    ...{ on, userId },
    reseller: clientIdOf(await addClient(on, on.resellerId)),
    viewer: clientIdOf(await addClient(on, on.resellerId, 'viewer')),
    other: clientIdOf(await addClient(on, beside.id)),
    ask: async (request) => causeOf(await explainAccess(dir, operator, request)),
  }
}

async function decisions(open: OpenStore): Promise<void> {
  const { on, ask, reseller, viewer, other, userId } = await newWorld(open)
  const { operation } = { operation: 'UpdateUser' } as const
  assert.deepEqual(await ask({ operation }), [null, undefined])
  assert.deepEqual(await ask({ operation, caller: reseller, target: userId }), [null, undefined])
  assert.deepEqual(await ask({ operation, caller: reseller, target: 'ada@example.com' }), [null, undefined])
  const permission = await ask({ operation, caller: viewer, target: userId })
  assert.deepEqual(permission, ['operation_permitted', 'permission', 'add_client'])
  const kind = await ask({ operation: 'CreateReseller', caller: reseller })
  assert.deepEqual(kind, ['operation_permitted', 'organization_kind'])
  const caller = await ask({ operation: 'MoveTenant', caller: reseller })
  assert.deepEqual(caller, ['operation_permitted', 'caller_kind'])
  const unrelated = await ask({ operation, caller: other, target: userId })
  assert.deepEqual(unrelated, ['target_in_reach', 'not_related', 'relate_customer'])
  const beside = { operation, caller: reseller, portal: 'beside.example' } as const
  assert.deepEqual(await ask(beside), ['portal_in_context', 'portal_refused'])
  const narrowed = {
    operation,
    caller: clientIdOf(on.provider),
    portal: 'beside.example',
    target: userId,
  } as const
  assert.deepEqual(await ask(narrowed), ['target_in_reach', 'not_related', 'relate_customer'])
  assert.deepEqual(await ask({ operation, target: newId() }), ['target_known', 'target_not_found'])
  const ofOther = await ask({ operation: 'GetClient', caller: other, target: reseller })
  assert.deepEqual(ofOther, ['target_in_reach', 'other_organization'])
}

async function callers(open: OpenStore): Promise<void> {
  const { on, ask } = await newWorld(open)
  const { dir, operator, customerId, resellerId } = on
  const operation = 'GetUser'
  assert.deepEqual(await ask({ operation, caller: newId() }), ['caller_known', 'caller_not_found'])
  const client = clientIdOf(await addClient(on, customerId))
  assert.deepEqual(await ask({ operation, caller: client }), [null, undefined])
  await suspendCustomer(dir, operator, customerId)
  assert.deepEqual(await ask({ operation, caller: client }), ['caller_active', 'caller_suspended'])
  const add = async (groups: readonly string[], email: string): Promise<string> => {
    const all = await dir.store.read((tx) => tx.query((db) => db.selectFrom('groups').selectAll()))
    const groupIds = all.filter(({ name }) => groups.includes(name)).map(({ id }) => id)
    const user = newUser({ email, groupIds })
    return (await createUser(dir, operator, { organizationId: resellerId, kind: 'reseller', user })).id
  }
  const [admin, viewer] = [await add(['Administrator'], 'a@x.example'), await add(['Viewer'], 'v@x.example')]
  assert.deepEqual(await ask({ operation, caller: admin }), [null, undefined])
  const write = { operation: 'UpdateUser', caller: viewer } as const
  assert.deepEqual(await ask(write), ['operation_permitted', 'permission', 'join_group'])
  const without = await ask({ operation, caller: await add([], 'n@x.example') })
  assert.deepEqual(without, ['caller_has_role', 'person_without_role', 'join_group'])
  await suspendUser(dir, operator, { user: viewer })
  assert.deepEqual(await ask(write), ['caller_active', 'caller_suspended'])
}

async function everyOperation(open: OpenStore): Promise<void> {
  const { on, reseller, viewer, other } = await newWorld(open)
  const { dir, operator } = on
  for (const caller of [reseller, viewer, other, clientIdOf(on.provider), clientIdOf(on.osis)]) {
    for (const operation of Object.keys(ACCESS) as Operation[]) {
      const explained = await explainAccess(dir, operator, { operation, caller })
      const { permission, organization } = explained.caller
      assert.ok(permission && organization)
      const ctx = {
        ...on.provider,
        permission,
        organization: { ...on.provider.organization, ...organization },
      }
      assert.equal(explained.failed === null, isPermitted(ctx, operation), `${operation} ${permission}`)
      if (explained.failed !== null) assert.equal(explained.failed, 'operation_permitted')
    }
  }
}

async function accessIsKept(open: OpenStore): Promise<void> {
  const { on, reseller, other, userId } = await newWorld(open)
  const { dir } = on
  const reader = await addClient(on, on.resellerId, 'viewer')
  const ask = async (request: Partial<AccessRequest>) =>
    causeOf(await explainAccess(dir, reader, { operation: 'GetUser', ...request }))
  assert.deepEqual(await ask({ caller: reseller, target: userId }), [null, undefined])
  const beside = await addOrganization(on, 'customer')
  const user = newUser({ email: 'far@example.com' })
  const { id: far } = await createUser(dir, on.operator, { organizationId: beside.id, user })
  await createPersonAccount(dir, on.operator, { userId: far }).catch(() => undefined)
  for (const caller of [other, far, clientIdOf(on.provider), newId(), '', '\0', 'x'.repeat(1_000)])
    assert.deepEqual(await ask({ caller }), ['caller_known', 'caller_not_found'])
  for (const target of [far, 'far@example.com', beside.id, newId(), '', '\0', '%'])
    assert.deepEqual(await ask({ target }), ['target_known', 'target_not_found'])
  await assert.rejects(getUser(dir, reader, { user: far }))
  await assert.rejects(enterPortal(dir, reader, 'beside.example'))
}
