import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { enterPortal } from '../../src/directory/context.ts'
import type { Directory } from '../../src/directory/directory.ts'
import { deleteOldResponses } from '../../src/directory/expired.ts'
import type { CreateUserResult } from '../../src/directory/repeated-creates.ts'
import { newSealer } from '../../src/directory/sealing/sealer.ts'
import { runUnit } from '../../src/directory/unit.ts'
import { deleteUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import type { Context } from '../../src/model/context.ts'
import { newId } from '../../src/model/ids.ts'
import type { NewUser } from '../../src/model/users.ts'
import {
  addClient,
  addOrganization,
  addPortal,
  newTestDirectory,
  newUser,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { countRows } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const HOUR = 60 * 60 * 1000

function create(
  on: TestDirectory,
  idempotencyKey: string,
  change: Partial<NewUser> = {},
  ctx: Context = on.provider,
): Promise<CreateUserResult> {
  const user = newUser(change)
  const call = keyed(ctx, idempotencyKey, JSON.stringify([ctx.organization.id, change]))
  return createUser(on.dir, call, { organizationId: on.customerId, kind: 'customer', user })
}

/** The context of a new call with an idempotency key. */
function keyed(ctx: Context, key: string, fingerprint = 'request'): Context {
  return { ...ctx, idempotency: { key, fingerprint } }
}

function pass(on: TestDirectory, ms: number): void {
  on.clock.now = new Date(on.clock.now.getTime() + ms)
}

/** A repeated idempotency key returns the first response for 24 hours. */
export function idempotencySuite(open: OpenStore): void {
  describe('idempotency keys', () => {
    test('a repeated call returns the first response, and writes only an audit entry', async () => {
      const on = await newTestDirectory(open)
      const first = await create(on, 'k')
      assert.equal(first.created, true)
      assert.deepEqual(await create(on, 'k'), first)
      const [entry] = await readAudit(on.dir, 1)
      assert.deepEqual([entry?.outcome, entry?.target, entry?.status], ['replayed', first.id, 'Succeeded'])
      assert.equal((await countRows(on.dir.store, ['users'])).users, 1)
    })

    test('the first response is replayed even if the user has been deleted since', async () => {
      const on = await newTestDirectory(open)
      const first = await create(on, 'k')
      await deleteUser(on.dir, on.operator, { user: first.id })
      assert.deepEqual(await create(on, 'k'), first)
    })

    test('the same key with another request is refused, and changes nothing', async () => {
      const on = await newTestDirectory(open)
      const first = await create(on, 'k')
      const other = create(on, 'k', { email: 'bob@example.com' })
      await assert.rejects(other, refusedAs('idempotency_key_reused', 'idempotencyKey'))
      assert.equal((await countRows(on.dir.store, ['users'])).users, 1)
      assert.deepEqual(await create(on, 'k'), first)
    })

    test('a response is replayed until 24 hours have passed, and not after', async () => {
      const on = await newTestDirectory(open)
      const first = await create(on, 'k')
      pass(on, 24 * HOUR - 1)
      assert.deepEqual(await create(on, 'k'), first)
      pass(on, 1)
      assert.deepEqual(await create(on, 'k'), { id: first.id, created: false })
    })

    test('after 24 hours the key is free for another request', async () => {
      const on = await newTestDirectory(open)
      await create(on, 'k')
      pass(on, 24 * HOUR)
      const second = await create(on, 'k', { email: 'bob@example.com' })
      assert.equal(second.created, true)
      assert.deepEqual(await create(on, 'k', { email: 'bob@example.com' }), second)
    })

    test('a refused call is not recorded: a corrected call can use its key', async () => {
      const on = await newTestDirectory(open)
      await assert.rejects(create(on, 'k', { email: 'x' }), refusedAs('invalid', 'email'))
      assert.equal((await create(on, 'k')).created, true)
    })

    test('keys are compared exactly', async () => {
      const on = await newTestDirectory(open)
      await create(on, 'k')
      for (const key of ['K', 'k ', 'kk'])
        assert.equal((await create(on, key)).created, false, `the key '${key}' was taken for 'k'`)
    })

    moreTests(open)
  })
}

function moreTests(open: OpenStore): void {
  test('two clients can use the same key for different calls', async () => {
    const on = await newTestDirectory(open)
    const other = await addClient(on, on.setup.provider.id)
    const first = await create(on, 'k')
    assert.deepEqual(await create(on, 'k', {}, other), { id: first.id, created: false })
    const bob = await create(on, 'l', { email: 'bob@example.com' }, other)
    assert.equal(bob.created, true)
    assert.equal((await create(on, 'l', { email: 'eve@example.com' })).created, true)
  })

  test('50 calls at the same time with one key create one user and get equal responses', async () => {
    const on = await newTestDirectory(open)
    const responses = await Promise.all(Array.from({ length: 50 }, () => create(on, 'k')))
    for (const response of responses) assert.deepEqual(response, { ...responses[0], created: true })
    assert.equal((await countRows(on.dir.store, ['users'])).users, 1)
    const outcomes = (await readAudit(on.dir, 50)).map((entry) => entry.outcome)
    assert.equal(outcomes.filter((outcome) => outcome === 'replayed').length, 49)
  })

  test('a response is not replayed in a narrower context', async () => {
    const on = await newTestDirectory(open)
    const reseller = await addOrganization(on, 'reseller')
    await addPortal(on, 'other.example', reseller.id)
    const narrowed = await enterPortal(on.dir, on.provider, 'other.example')
    await create(on, 'k')
    await assert.rejects(create(on, 'k', {}, narrowed), (error: Error) =>
      ['customer_not_found', 'idempotency_key_reused'].includes((error as { code?: string }).code ?? ''),
    )
  })

  test('a result without a value is replayed too', async () => {
    const on = await newTestDirectory(open)
    const subject = { operation: 'CreateUser', target: newId() } as const
    let runs = 0
    for (const ctx of [keyed(on.provider, 'k'), keyed(on.provider, 'k')])
      assert.equal(await runUnit(on.dir, ctx, subject, async () => void runs++), undefined)
    assert.equal(runs, 1)
  })

  test('a secret is recorded sealed, and replayed until its master key is replaced', async () => {
    const on = await newTestDirectory(open)
    const subject = { operation: 'CreateUser', returnsSecret: true } as const
    const run = (dir: Directory) =>
      runUnit(dir, keyed(on.provider, 'k'), subject, async () => ({ secret: 'the-secret' }))
    assert.deepEqual(await run(on.dir), { secret: 'the-secret' })
    assert.deepEqual(await run(on.dir), { secret: 'the-secret' })
    const rows = await on.dir.store.read((tx) =>
      tx.query((db) => db.selectFrom('idempotency_keys').selectAll()),
    )
    assert.equal(rows.length, 1)
    assert.doesNotMatch(JSON.stringify(rows), /the-secret/)
    const replaced = { ...on.dir, sealer: newSealer([randomBytes(32)]) }
    await assert.rejects(run(replaced), refusedAs('idempotency_key_reused', 'idempotencyKey'))
  })

  test('a call may have only one unit that runs with its key', async () => {
    const on = await newTestDirectory(open)
    const ctx = keyed(on.provider, 'k')
    const run = () => runUnit(on.dir, ctx, { operation: 'CreateUser' }, async () => 1)
    await run()
    await assert.rejects(run(), /second unit/)
  })

  test('only responses that are too old to be replayed are deleted', async () => {
    const on = await newTestDirectory(open)
    await create(on, 'old')
    pass(on, HOUR)
    await create(on, 'new', { email: 'bob@example.com' })
    pass(on, 23 * HOUR)
    assert.equal(await deleteOldResponses(on.dir), 1)
    assert.equal(await deleteOldResponses(on.dir), 0)
    assert.equal((await create(on, 'new', { email: 'bob@example.com' })).created, true)
  })
}
