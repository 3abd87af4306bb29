import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deleteUser, updateUser } from '../../src/directory/user-changes.ts'
import { updateWebhook } from '../../src/directory/webhook-changes.ts'
import { getWebhook } from '../../src/directory/webhooks.ts'
import type { WebhookChanges } from '../../src/model/webhooks.ts'
import type { TestDirectory } from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'
import { HOUR_MS, NEXT_URL, newWorld, receivers, URL } from './world.ts'

function change({ dir, operator }: TestDirectory, id: string, changes: WebhookChanges): Promise<void> {
  return updateWebhook(dir, operator, { id, changes, receivers })
}

/** Changes of webhooks lose no event. */
export function webhookChangesSuite(open: OpenStore): void {
  describe('changes of webhooks', () => {
    test('a new URL gets at once what waits, and the time until an event is given up begins anew', async () => {
      const { on, id, receiver, add, drain, later } = await newWorld(open)
      const users = await add(3)
      receiver.accepts = () => false
      for (let i = 0; i < 10; i++) {
        await drain()
        later(HOUR_MS)
      }
      const { failures } = await getWebhook(on.dir, on.operator, id)
      assert.ok(failures >= 10)
      await change(on, id, { url: NEXT_URL })
      const tries = receiver.tried.length
      await drain()
      assert.deepEqual([receiver.tried.slice(tries), receiver.urls.at(-1)], [[users[0]], NEXT_URL])
      later(24 * HOUR_MS - 1)
      await drain()
      const state = await getWebhook(on.dir, on.operator, id)
      assert.deepEqual([state.waiting, state.deadLetters], [3, 0])
      receiver.accepts = () => true
      await change(on, id, { url: URL })
      await drain()
      assert.deepEqual(receiver.accepted, users)
    })

    test('a change of the URL while events are sent loses none, and keeps nothing of what the former one said', async () => {
      const { on, id, receiver, add, drain } = await newWorld(open)
      const users = await add(3)
      receiver.accepts = async ({ data }) => {
        if (receiver.urls.at(-1) === NEXT_URL) return true
        if (data.target !== users[1]) return true
        await change(on, id, { url: NEXT_URL })
        return false
      }
      await drain()
      assert.deepEqual(
        receiver.accepted.filter((_, i) => receiver.acceptedUrls[i] === NEXT_URL),
        users,
      )
      const { failures, waiting, error } = await getWebhook(on.dir, on.operator, id)
      assert.deepEqual([failures, waiting, error], [0, 0, null])
    })

    test('what waits of an operation that is left out is dropped, and the rest goes on', async () => {
      const { on, id, receiver, add, drain } = await newWorld(open)
      await change(on, id, { operations: null })
      const users = await add(1)
      const user = { user: users[0] ?? '' }
      await updateUser(on.dir, on.provider, { ...user, changes: { lastName: 'King' } })
      await deleteUser(on.dir, on.provider, user)
      receiver.accepts = ({ type }) => type !== 'UpdateUser'
      await drain()
      assert.equal((await getWebhook(on.dir, on.operator, id)).waiting, 2)
      await change(on, id, { operations: ['DeleteUser', 'CreateUser'] })
      assert.equal((await getWebhook(on.dir, on.operator, id)).waiting, 1)
      const tries = receiver.tried.length
      await drain()
      assert.deepEqual([receiver.tried.length, receiver.accepted.length], [tries + 1, 2])
    })

    test('a change of the operations gives events that wait no more time', async () => {
      const { on, id, receiver, add, drain, later } = await newWorld(open)
      receiver.accepts = () => false
      await add(1)
      await drain()
      later(24 * HOUR_MS)
      await change(on, id, { operations: ['CreateUser', 'DeleteUser'] })
      await drain()
      const { waiting, deadLetters } = await getWebhook(on.dir, on.operator, id)
      assert.deepEqual([waiting, deadLetters, receiver.tried.length], [0, 1, 2])
    })

    test('what was given up stays, and a new name changes nothing of the deliveries', async () => {
      const { on, id, receiver, add, drain, later } = await newWorld(open)
      receiver.accepts = () => false
      await add(2)
      await drain()
      later(24 * HOUR_MS)
      await drain()
      const state = async () => {
        const { name, url, operations, ...others } = await getWebhook(on.dir, on.operator, id)
        return others
      }
      const before = await state()
      await change(on, id, { name: 'Billing' })
      assert.deepEqual(await state(), before)
      await change(on, id, { operations: ['DeleteUser'] })
      const { waiting, deadLetters } = await state()
      assert.deepEqual([waiting, deadLetters], [0, before.deadLetters])
    })
  })
}
