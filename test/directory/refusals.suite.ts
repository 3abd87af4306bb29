import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAccount } from '../../src/directory/accounts.ts'
import { verifyAudit } from '../../src/directory/audit.ts'
import { deleteClient } from '../../src/directory/clients.ts'
import { newDirectory } from '../../src/directory/directory.ts'
import { read, runUnit } from '../../src/directory/unit.ts'
import { createUser } from '../../src/directory/users.ts'
import { newId } from '../../src/model/ids.ts'
import { ConstraintError, type Store, StoreError } from '../../src/store/port.ts'
import {
  addClient,
  clientIdOf,
  newTestDirectory,
  newUser,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { CONTENT_TABLES, countRows, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const REFUSED: readonly (readonly [outcome: string, act: (on: TestDirectory) => Promise<unknown>])[] = [
  [
    'not_permitted',
    async (on) => {
      const viewer = await addClient(on, on.setup.provider.id, 'viewer')
      return createUser(on.dir, viewer, { organizationId: on.customerId, user: newUser() })
    },
  ],
  ['invalid', (on) => create(on, { user: newUser({ email: 'x' }) })],
  ['customer_not_found', (on) => create(on, { organizationId: newId(), kind: 'customer' })],
  ['reseller_not_found', (on) => create(on, { resellerId: newId() })],
  ['group_not_found', (on) => create(on, { user: newUser({ groupIds: [newId()] }) })],
  [
    'email_taken',
    async (on) => {
      await create(on)
      return create(on, { user: newUser({ firstName: 'Bob' }) })
    },
  ],
  [
    'tenant_not_found',
    (on) => {
      const named = { orgId: 'o', orgUserId: 'u', username: null, email: null, role: 'UNKNOWN' } as const
      return createAccount(on.dir, on.osis, { tenantId: 'none', account: { ...named, active: true } })
    },
  ],
]

function create(on: TestDirectory, change: object = {}): Promise<unknown> {
  return createUser(on.dir, on.provider, { organizationId: on.customerId, user: newUser(), ...change })
}

/** What an operation leaves behind that was refused or that the store could not write. */
export function refusalsSuite(open: OpenStore): void {
  describe('refused attempts', () => {
    for (const [outcome, act] of REFUSED) {
      test(`a create refused as ${outcome} leaves one entry and nothing else`, async () => {
        const on = await newTestDirectory(open)
        await act(on).catch(() => undefined)
        const counts = await countRows(on.dir.store, CONTENT_TABLES)
        const entries = (await readAudit(on.dir)).length
        await assert.rejects(act(on))
        const after = await countRows(on.dir.store, CONTENT_TABLES)
        assert.deepEqual({ ...after, clients: 0 }, { ...counts, clients: 0 })
        const [entry] = await readAudit(on.dir, 1)
        assert.deepEqual([entry?.status, entry?.outcome, entry?.changedFields], ['Failed', outcome, []])
        assert.ok((await readAudit(on.dir)).length > entries)
        assert.deepEqual((await verifyAudit(on.dir, on.operator)).faults, [])
      })
    }

    test('an entry keeps no e-mail address and no name that a caller sent as an id', async () => {
      const on = await newTestDirectory(open)
      for (const id of ['ada@example.com', 'Ada Lovelace']) {
        await assert.rejects(deleteClient(on.dir, on.operator, id), refusedAs('client_not_found'))
        await assert.rejects(create(on, { organizationId: id }), refusedAs('organization_not_found'))
      }
      const entries = await readAudit(on.dir, 4)
      assert.deepEqual(
        entries.map(({ status, target, organization }) => [status, target, organization]),
        Array(4).fill(['Failed', null, on.setup.provider.id]),
      )
    })

    test('an entry says who, through which portal, to what, and under which correlation id', async () => {
      const on = await newTestDirectory(open)
      const ctx = { ...on.provider, portal: 'portal.example', correlationId: newId() }
      const id = newId()
      const user = newUser({ id, groupIds: [newId()] })
      await assert.rejects(createUser(on.dir, ctx, { organizationId: on.customerId, user }))
      const [entry] = await readAudit(on.dir, 1)
      assert.deepEqual(
        { ...entry, id: '', number: 0 },
        {
          id: '',
          number: 0,
          at: '2026-11-22T08:00:00.000Z',
          operation: 'CreateUser',
          status: 'Failed',
          outcome: 'group_not_found',
          caller: { kind: 'client', id: clientIdOf(ctx) },
          portal: 'portal.example',
          organization: on.customerId,
          target: id,
          correlationId: ctx.correlationId,
          address: '192.0.2.1',
          reseller: null,
          changedFields: [],
        },
      )
    })

    unitTests(open)
  })
}

/** The directory over a store whose writes fail with what `fail` returns, if anything. */
function withFailingWrites(on: TestDirectory, fail: () => unknown): TestDirectory {
  const store: Store = {
    ...on.dir.store,
    read: (work) => on.dir.store.read(work),
    write: async (work) => {
      const reason = fail()
      if (reason) throw reason
      return on.dir.store.write(work)
    },
  }
  return { ...on, dir: { ...newDirectory({ ...on.dir, store }) } }
}

function unitTests(open: OpenStore): void {
  test('a failure of the store is reported as store_unavailable, with the reason as its cause', async () => {
    const on = await newTestDirectory(open)
    const reason = new StoreError('full', 'the disk is full')
    const error = await create(withFailingWrites(on, () => reason)).catch((one: Error) => one)
    assert.ok(error instanceof Error && refusedAs('store_unavailable')(error))
    assert.equal(error.cause, reason)
    assert.doesNotMatch(error.message, /disk/)
  })

  test('a refusal that cannot be recorded is reported as store_unavailable', async () => {
    const on = await newTestDirectory(open)
    let writes = 0
    const failing = withFailingWrites(on, () => (writes++ > 0 ? new StoreError('full', 'full') : undefined))
    await assert.rejects(create(failing, { organizationId: newId() }), refusedAs('store_unavailable'))
  })

  test('a unit that lost a race runs again, a few times', async () => {
    const on = await newTestDirectory(open)
    let losses = 3
    const racing = withFailingWrites(on, () =>
      losses-- > 0 ? new ConstraintError('taken', null) : undefined,
    )
    assert.ok(await create(racing))
    const lost = withFailingWrites(on, () => new ConstraintError('taken', null))
    await assert.rejects(create(lost), ConstraintError)
  })

  test('an error of the program is passed on, and writes nothing', async () => {
    const on = await newTestDirectory(open)
    const fault = new TypeError('a bug')
    const act = runUnit(on.dir, on.provider, { operation: 'CreateUser' }, async ({ tx }) => {
      await putUser(tx, on.provider.organization.pk, 'a@example.com')
      throw fault
    })
    await assert.rejects(act, fault)
    assert.equal((await countRows(on.dir.store, ['users'])).users, 0)
  })

  test('a read of a closed store is reported as store_unavailable', async () => {
    const on = await newTestDirectory(open)
    await on.dir.store.close()
    await assert.rejects(
      read(on.dir, async () => 1),
      refusedAs('store_unavailable'),
    )
  })
}
