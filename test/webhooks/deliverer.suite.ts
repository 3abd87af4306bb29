import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAccount } from '../../src/directory/accounts.ts'
import { deleteOrganization } from '../../src/directory/organizations.ts'
import { relateOrganization } from '../../src/directory/relations.ts'
import { newUnit } from '../../src/directory/unit.ts'
import { createUser } from '../../src/directory/users.ts'
import { rotateWebhook } from '../../src/directory/webhook-rotation.ts'
import {
  createWebhook,
  deleteOldDeadLetters,
  deleteWebhook,
  getWebhook,
  replayWebhook,
} from '../../src/directory/webhooks.ts'
import { addClient, addOrganization, clientIdOf, newAccountRequest, newUser } from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'
import { HOUR_MS, NOW, newDeliverer, newReceiver, newWorld, type Receiver, receivers, URL } from './world.ts'

/** Deliveries: at least once, in order for each organization, from the log. */
export function delivererSuite(open: OpenStore): void {
  describe('deliveries', () => {
    test('events arrive once and in order; those from before the webhook do not', async () => {
      const { on, id, receiver, add, drain } = await newWorld(open)
      const users = await add(30)
      await drain()
      await drain()
      assert.deepEqual(receiver.tried, users)
      const { waiting, deliveredAt } = await getWebhook(on.dir, on.operator, id)
      assert.deepEqual([waiting, deliveredAt], [0, on.clock.now.toISOString()])
    })

    test('a rotation of the secret keeps the place in the log, and former secrets sign until their ends', async () => {
      const { on, id, receiver, add, drain, later } = await newWorld(open)
      const rotate = (hours?: number | null) => {
        const at = (ms: number) => new Date(on.clock.now.getTime() + ms).toISOString()
        const previousUntil = typeof hours === 'number' ? at(hours * HOUR_MS) : hours
        return rotateWebhook(on.dir, on.operator, { id, previousUntil })
      }
      const waiting = await add(2)
      receiver.accepts = () => false
      await drain()
      const second = await rotate(2)
      const third = await rotate(3)
      receiver.accepts = () => true
      later(HOUR_MS)
      const users = [...waiting, ...(await add(1))]
      await drain()
      assert.deepEqual(receiver.accepted, users)
      assert.deepEqual(receiver.secrets.slice(0, 2), [third.secret, second.secret])
      assert.equal(receiver.secrets.length, 3)
      const state = await getWebhook(on.dir, on.operator, id)
      assert.deepEqual([state.oldSecretUntil, state.secretAt], [third.previousUntil, NOW])
      later(2 * HOUR_MS)
      await add(1)
      await drain()
      assert.deepEqual(receiver.secrets, [third.secret])
      assert.equal((await getWebhook(on.dir, on.operator, id)).oldSecretUntil, null)
      await rotate()
      const last = await rotate(null)
      await add(1)
      await drain()
      assert.deepEqual(receiver.secrets, [last.secret])
      assert.equal(receiver.accepted.length, 5)
    })

    test('a rotation without a time shortens none that was promised before', async () => {
      const { on, id, receiver, add, drain, later } = await newWorld(open)
      const previousUntil = new Date(on.clock.now.getTime() + 48 * HOUR_MS).toISOString()
      const second = await rotateWebhook(on.dir, on.operator, { id, previousUntil })
      const third = await rotateWebhook(on.dir, on.operator, { id })
      assert.equal((await getWebhook(on.dir, on.operator, id)).oldSecretUntil, previousUntil)
      later(24 * HOUR_MS)
      await add(1)
      await drain()
      assert.equal(receiver.secrets.length, 2)
      assert.equal(receiver.secrets[0], third.secret)
      assert.notEqual(receiver.secrets[1], second.secret)
    })

    test('rotations at the same time all sign, at most five secrets', async () => {
      const { on, id, receiver, add, drain } = await newWorld(open)
      const rotated = await Promise.all(
        Array.from({ length: 3 }, () => rotateWebhook(on.dir, on.operator, { id })),
      )
      await add(1)
      await drain()
      assert.equal(receiver.secrets.length, 4)
      for (const { secret } of rotated) assert.ok(receiver.secrets.includes(secret))
      for (let i = 0; i < 3; i++) rotated.push(await rotateWebhook(on.dir, on.operator, { id }))
      await add(1)
      await drain()
      assert.equal(new Set(receiver.secrets).size, 5)
      assert.equal(receiver.secrets[0], rotated.at(-1)?.secret)
    })

    test('several deliverers send no event twice', async () => {
      const { on, receiver, add } = await newWorld(open)
      const users = await add(20)
      await on.dir.store.sealAudit()
      await Promise.all([1, 2, 3].map(() => newDeliverer(on, receiver).drain()))
      assert.deepEqual(receiver.tried, users)
    })

    test('a receiver that is down is tried with growing pauses, and further events stay in the log', async () => {
      const { on, id, receiver, add, drain, later } = await newWorld(open)
      const customers = [on.customerId]
      for (let i = 0; i < 7; i++) customers.push((await addOrganization(on, 'customer')).id)
      receiver.accepts = () => false
      const users: string[] = []
      for (const customer of customers) users.push(...(await add(2, customer)))
      await drain()
      const tries = receiver.tried.length
      assert.ok(tries >= 5 && tries <= 2 * customers.length, String(tries))
      const more = await add(5)
      for (let i = 0; i < 8; i++) {
        await drain()
        later(1_000)
      }
      assert.ok(receiver.tried.length < 45, `${receiver.tried.length} attempts in 8 s`)
      const { waiting, failures, error } = await getWebhook(on.dir, on.operator, id)
      assert.deepEqual([waiting, error], [16, 'failed'])
      assert.ok(failures >= 5)
      assert.ok(!receiver.tried.some((one) => more.includes(one)))
      receiver.accepts = () => true
      later(10 * 60_000)
      await drain()
      const order = [...users.filter((_, i) => i < 2), ...more]
      assert.deepEqual(
        receiver.accepted.filter((one) => order.includes(one)),
        order,
      )
      assert.deepEqual([...receiver.accepted].sort(), [...users, ...more].sort())
      assert.equal((await getWebhook(on.dir, on.operator, id)).error, null)
    })

    test('attempts at the same time do not lengthen the first pause of a receiver that is down', async () => {
      const { on, receiver, add, drain, later } = await newWorld(open)
      const users: string[] = []
      for (let i = 0; i < 12; i++) users.push(...(await add(1, (await addOrganization(on, 'customer')).id)))
      receiver.accepts = () => false
      await drain()
      assert.ok(receiver.tried.length > 5)
      later(1_100)
      await drain()
      receiver.accepts = () => true
      later(2_200)
      await drain()
      assert.deepEqual(receiver.accepted.sort(), users.sort())
    })

    test('a receiver that asks to wait is not tried before', async () => {
      const { receiver, add, drain, later } = await newWorld(open)
      receiver.accepts = () => false
      receiver.waitMs = HOUR_MS
      const [user = ''] = await add(1)
      const tried: number[] = []
      // Also when the receiver counts as down.
      for (let i = 1; i <= 8; i++) {
        await drain()
        later(HOUR_MS - 1_000)
        await drain()
        tried.push(receiver.tried.length)
        later(1_000)
      }
      assert.deepEqual(tried, [1, 2, 3, 4, 5, 6, 7, 8])
      receiver.accepts = () => true
      await drain()
      assert.deepEqual(receiver.accepted, [user])
    })

    test('an event is given up 24 hours after its first failure, and then its organization goes on', async () => {
      const { on, id, receiver, add, drain, later } = await newWorld(open)
      const [first, second, third] = await add(3)
      receiver.accepts = ({ data }) => data.target !== first
      const state = async (): Promise<number[]> => {
        const { waiting, deadLetters } = await getWebhook(on.dir, on.operator, id)
        return [waiting, deadLetters]
      }
      await drain()
      assert.deepEqual(await state(), [3, 0])
      later(24 * HOUR_MS - 1)
      await drain()
      assert.deepEqual(await state(), [3, 0])
      later(HOUR_MS)
      await drain()
      assert.deepEqual(await state(), [0, 1])
      assert.deepEqual(receiver.accepted, [second, third])
      receiver.accepts = () => true
      assert.equal(await replayWebhook(on.dir, on.operator, { id, deadLetters: true }), 1)
      await drain()
      assert.deepEqual(await state(), [0, 0])
      assert.deepEqual(receiver.accepted, [second, third, first])
    })

    test('a replay while events are sent loses none', async () => {
      const { on, id, receiver, add, drain } = await newWorld(open)
      const users = await add(3)
      let replayed = false
      receiver.accepts = async () => {
        if (!replayed) {
          replayed = true
          await replayWebhook(on.dir, on.operator, { id, from: '2026-01-01T00:00:00Z' })
        }
        return true
      }
      await drain()
      await drain()
      assert.deepEqual([...new Set(receiver.accepted)], users)
      assert.deepEqual(receiver.accepted.slice(-3), users)
    })

    test('a webhook that is deleted while events are sent leaves nothing', async () => {
      const { on, id, receiver, add, drain } = await newWorld(open)
      await add(3)
      receiver.accepts = async () => {
        await deleteWebhook(on.dir, on.operator, id).catch(() => undefined)
        return false
      }
      await drain()
      const rows = await on.dir.store.read((tx) => tx.query((db) => db.selectFrom('deliveries').selectAll()))
      assert.deepEqual([rows, receiver.tried.length], [[], 1])
    })

    test('a process that dies keeps a webhook for a minute, and then another one sends its events', async () => {
      const { on, receiver, add, drain, later } = await newWorld(open)
      const users = await add(3)
      const { promise: never } = Promise.withResolvers<boolean>()
      const dead = newReceiver()
      dead.accepts = ({ data }) => (data.target === users[1] ? never : true)
      await on.dir.store.sealAudit()
      void newDeliverer(on, dead).drain()
      while (dead.tried.length < 2) await new Promise(setImmediate)
      await drain()
      assert.deepEqual(receiver.tried, [])
      later(61_000)
      await drain()
      assert.deepEqual(receiver.accepted, users)
    })

    test('what was given up is kept for 30 days', async () => {
      const { on, id, receiver, add, drain, later } = await newWorld(open)
      await add(1)
      receiver.accepts = () => false
      await drain()
      later(24 * HOUR_MS)
      await drain()
      const count = async (): Promise<number> => (await getWebhook(on.dir, on.operator, id)).deadLetters
      later(30 * 24 * HOUR_MS)
      await deleteOldDeadLetters(on.dir)
      assert.equal(await count(), 1)
      later(1)
      await deleteOldDeadLetters(on.dir)
      assert.equal(await count(), 0)
    })

    test('slow receivers of one organization leave room for those of others', async () => {
      const { on, receiver, add } = await newWorld(open)
      const slow = { url: URL, operations: null, receivers }
      for (let i = 0; i < 5; i++) await createWebhook(on.dir, on.operator, slow)
      const reseller = await addClient(on, on.resellerId)
      const { id } = await createWebhook(on.dir, reseller, slow)
      await add(1)
      await on.dir.store.sealAudit()
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const begun: string[] = []
      const { send } = receiver
      const blocking: Receiver = {
        ...receiver,
        send: async (webhook, event) => {
          begun.push(webhook.id)
          if (webhook.id !== id) await promise
          else resolve(true)
          return send(webhook, event)
        },
      }
      await newDeliverer(on, blocking).drain()
      const order = [...new Set(begun)]
      assert.ok(order.indexOf(id) <= 4, `the other webhook came at place ${order.indexOf(id)}`)
      assert.equal(order.length, 7)
    })

    test('the deletion of an organization, whose row is gone, is an event of the provider', async () => {
      const { on, receiver, drain } = await newWorld(open)
      const input = { url: URL, operations: ['DeleteOrganization'], receivers }
      await createWebhook(on.dir, on.operator, input)
      const { id } = await addOrganization(on, 'customer')
      await deleteOrganization(on.dir, on.operator, id)
      await drain()
      assert.deepEqual(receiver.accepted, [id])
    })

    test('a reseller gets nothing of the context of another one, and not the ids of the callers of others', async () => {
      const { on, receiver, add, drain, later } = await newWorld(open)
      const { id: other } = await addOrganization(on, 'reseller')
      await relateOrganization(on.dir, on.operator, { customerId: on.customerId, resellerId: other })
      const reseller = await addClient(on, on.resellerId)
      await on.dir.store.sealAudit()
      const { id } = await createWebhook(on.dir, reseller, { url: URL, operations: null, receivers })
      const callers: unknown[] = []
      const { send } = receiver
      receiver.send = async (webhook, event, stopping) => {
        if (webhook.id === id) callers.push(event.data.caller)
        return send(webhook, event, stopping)
      }
      receiver.accepts = () => false
      const user = newUser({ email: 'ada@example.com' })
      await createUser(on.dir, on.provider, { organizationId: on.customerId, resellerId: other, user })
      const { tenantId, account } = newAccountRequest(on, 'ada')
      await createAccount(on.dir, on.osis, { tenantId, account: { ...account, email: 'ada@example.com' } })
      await drain()
      assert.deepEqual(callers, [])
      await add(1)
      const own = { organizationId: on.customerId, user: newUser({ email: 'own@example.com' }) }
      await createUser(on.dir, reseller, own)
      await drain()
      receiver.accepts = () => true
      later(HOUR_MS)
      await drain()
      const ownCaller = { kind: 'client', id: clientIdOf(reseller) }
      assert.deepEqual(callers, [{ kind: 'client' }, { kind: 'client' }, ownCaller])
    })

    test('a reseller that was deleted gets nothing more', async () => {
      const { on, receiver, add, drain } = await newWorld(open)
      const reseller = await addClient(on, on.resellerId)
      await createWebhook(on.dir, reseller, { url: URL, operations: ['CreateUser'], receivers })
      await add(1)
      await drain()
      assert.equal(receiver.accepted.length, 2)
      await on.dir.store.write((tx) =>
        tx.query((db) =>
          db.updateTable('organizations').set({ deleted_at: NOW }).where('id', '=', on.resellerId),
        ),
      )
      await add(1)
      await drain()
      assert.equal(receiver.accepted.length, 3)
    })

    test('a long log is read in parts, and a place in the middle of a block is kept', async () => {
      const { on, receiver, drain } = await newWorld(open)
      const ids = Array.from({ length: 450 }, (_, i) => `${i}`)
      await on.dir.store.write(async (tx) => {
        const unit = newUnit(on.dir, on.provider, { operation: 'CreateUser' }, tx)
        for (const target of ids) await unit.audit({ outcome: 'created', target })
      })
      await drain()
      assert.deepEqual(receiver.accepted, ids)
    })
  })
}
