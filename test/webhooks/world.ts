import { createUser } from '../../src/directory/users.ts'
import { createWebhook } from '../../src/directory/webhooks.ts'
import type { WebhookEvent } from '../../src/model/webhooks.ts'
import { newAddressRule } from '../../src/webhooks/addresses.ts'
import { Deliverer } from '../../src/webhooks/deliverer.ts'
import type { WebhookSender } from '../../src/webhooks/sender.ts'
import { newTestDirectory, newUser, type TestDirectory } from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

export const HOUR_MS = 60 * 60 * 1000
export const NOW = '2026-11-22T08:00:00.000Z'
export const URL = 'https://receiver.example'
export const NEXT_URL = 'https://next.example'
export const receivers = newAddressRule([])

const failed: object[] = []
const log = { error: (fields: object) => failed.push(fields) }

/** A receiver in this process. `accepts` decides, and may do something before the response. */
export interface Receiver extends WebhookSender {
  accepts: (event: WebhookEvent) => boolean | Promise<boolean>
  /** The targets and URLs of all attempts, and of the accepted ones. */
  readonly tried: string[]
  readonly urls: string[]
  readonly accepted: string[]
  readonly acceptedUrls: string[]
  /** How long it asks to wait. */
  waitMs: number
  /** The secrets that signed the last attempt. */
  secrets: readonly string[]
}

export function newReceiver(): Receiver {
  const receiver: Receiver = {
    receivers,
    accepts: () => true,
    tried: [],
    urls: [],
    accepted: [],
    acceptedUrls: [],
    waitMs: 0,
    secrets: [],
    async send({ secrets, url }, event) {
      const target = String(event.data.target)
      receiver.tried.push(target)
      receiver.urls.push(url)
      receiver.secrets = secrets
      const delivered = await receiver.accepts(event)
      if (delivered) {
        receiver.accepted.push(target)
        receiver.acceptedUrls.push(url)
      }
      return {
        delivered,
        status: delivered ? 204 : 500,
        error: delivered ? null : 'failed',
        waitMs: receiver.waitMs,
      }
    },
    close: () => undefined,
  }
  return receiver
}

export interface World {
  readonly on: TestDirectory
  readonly id: string
  readonly receiver: Receiver
  /** Adds users to a customer, one after the other; returns their ids. */
  add(count: number, customerId?: string): Promise<string[]>
  drain(): Promise<void>
  later(ms: number): void
}

export async function newWorld(open: OpenStore): Promise<World> {
  const on = await newTestDirectory(open)
  await on.dir.store.sealAudit()
  const input = { url: URL, operations: ['CreateUser'], receivers }
  const { id } = await createWebhook(on.dir, on.operator, input)
  const receiver = newReceiver()
  let made = 0
  return {
    on,
    id,
    receiver,
    async add(count, customerId = on.customerId) {
      const ids: string[] = []
      for (let i = 0; i < count; i++) {
        const user = newUser({ email: `${made++}@example.com` })
        ids.push((await createUser(on.dir, on.provider, { organizationId: customerId, user })).id)
      }
      return ids
    },
    async drain() {
      await on.dir.store.sealAudit()
      await newDeliverer(on, receiver).drain()
    },
    later(ms) {
      on.clock.now = new Date(on.clock.now.getTime() + ms)
    },
  }
}

export function newDeliverer({ dir }: TestDirectory, receiver: Receiver): Deliverer {
  return new Deliverer(dir, receiver, { log, retryMs: 24 * HOUR_MS })
}
