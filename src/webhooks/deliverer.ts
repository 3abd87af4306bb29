import { setTimeout as pause } from 'node:timers/promises'
import type { Directory } from '../directory/directory.ts'
import { read } from '../directory/unit.ts'
import { openWebhook } from '../directory/webhooks.ts'
import { type Loop, startLoop } from '../loop.ts'
import { newId } from '../model/ids.ts'
import { newLease } from '../store/accounts/leases.ts'
import { selectLogEnd } from '../store/audit/follow.ts'
import { claimWebhook, selectDueWebhooks } from '../store/tables/webhook-turns.ts'
import type { WebhookSender } from './sender.ts'
import { type Queue, readTurn, storeTurn, type Turn } from './turn.ts'

/** The pause between two looks for events. */
const POLL_MS = 500
/**
 * How many webhooks get events at the same time: in all, and of one provider or reseller, whose receivers may be slow.
 */
const WEBHOOKS = 32
const WEBHOOKS_OF_ONE = 4
/** How many webhooks with something to do are looked at. */
const LOOKED_AT = 500
/** How many organizations of one webhook get events at the same time. */
const ORGANIZATIONS = 8
/** How long a turn begins new attempts, and how long its lease lasts: an attempt takes 10 s at most. */
const TURN_MS = 15_000
const LEASE_MS = 60_000

/** What the deliverer reports, and when it gives an event up. */
export interface DelivererOptions {
  readonly log: { error(fields: object, message: string): void }
  /** How long after its first failed attempt an event is given up, in milliseconds. */
  readonly retryMs: number
}

/**
 * Delivers events to webhooks: at least once, and in the order of the audit log for each organization. The log is the
 * queue, so a change costs nothing more. Several processes may deliver; each webhook is served by one of them at a
 * time.
 */
export class Deliverer {
  readonly #dir: Directory
  readonly #sender: WebhookSender
  readonly #options: DelivererOptions
  readonly #by = newId()
  readonly #stopping = new AbortController()
  /** The turns that run, and the number of the last turn of each webhook. The keys are primary keys. */
  readonly #running = new Map<number, { organizationPk: number; turn: Promise<void> }>()
  readonly #last = new Map<number, number>()
  #turns = 0
  #loop: Loop | undefined

  constructor(dir: Directory, sender: WebhookSender, options: DelivererOptions) {
    this.#dir = dir
    this.#sender = sender
    this.#options = options
  }

  /** Starts the background loop. */
  start(): void {
    const { log } = this.#options
    this.#loop = startLoop({ name: 'delivering events', everyMs: POLL_MS, log }, async () => {
      // The look goes on while turns run, so that a slow receiver does not keep the others waiting.
      while ((await this.#startDue()) > 0) {
        const next = pause(POLL_MS, undefined, { ref: false, signal: this.#stopping.signal })
        await Promise.race([...this.#listTurns(), next.catch(() => undefined)])
      }
    })
  }

  /** Cuts the attempts that run; they are repeated after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop?.stop()
    await Promise.allSettled(this.#listTurns())
    this.#sender.close()
  }

  /** Delivers until nothing is due. For tests, which must not sleep. */
  async drain(): Promise<void> {
    while ((await this.#startDue()) > 0) await Promise.all(this.#listTurns())
  }

  #listTurns(): Promise<void>[] {
    return [...this.#running.values()].map(({ turn }) => turn)
  }

  /**
   * Starts the turns of webhooks that have something to do; the one whose last turn was longest ago comes first.
   * @returns how many turns run
   */
  async #startDue(): Promise<number> {
    if (this.#stopping.signal.aborted) return 0
    const now = this.#dir.now().toISOString()
    const due = await read(this.#dir, async (tx) =>
      selectDueWebhooks(tx, { now, limit: LOOKED_AT, end: await selectLogEnd(tx) }),
    )
    const lastOf = ({ pk }: { pk: number }): number => this.#last.get(pk) ?? 0
    for (const { pk, organizationPk } of due.sort((one, other) => lastOf(one) - lastOf(other))) {
      if (!this.#running.has(pk) && this.#hasRoom(organizationPk)) this.#start(pk, organizationPk)
    }
    return this.#running.size
  }

  #hasRoom(organizationPk: number): boolean {
    const own = [...this.#running.values()].filter((one) => one.organizationPk === organizationPk).length
    return this.#running.size < WEBHOOKS && own < WEBHOOKS_OF_ONE
  }

  #start(pk: number, organizationPk: number): void {
    // Webhooks that were deleted leave the map with all others.
    if (this.#last.size > LOOKED_AT * 10) this.#last.clear()
    this.#last.set(pk, ++this.#turns)
    const turn = this.#takeTurn(pk)
      .catch((error) => this.#options.log.error({ err: error }, 'a turn of a webhook failed'))
      .finally(() => this.#running.delete(pk))
    this.#running.set(pk, { organizationPk, turn })
  }

  /** Delivers what one webhook can get now, and stores how it went. */
  async #takeTurn(pk: number): Promise<void> {
    const lease = newLease({ by: this.#by, ms: LEASE_MS }, this.#dir.now())
    const claimed = await this.#dir.store.write((tx) => claimWebhook(tx, pk, lease), { canWait: true })
    if (!claimed) return
    const turn = await read(this.#dir, (tx) => readTurn(tx, claimed, lease.now))
    await this.#deliver(turn)
    const { retryMs } = this.#options
    const stored = { by: this.#by, now: this.#dir.now(), retryMs }
    await this.#dir.store.write((tx) => storeTurn(tx, turn, stored), { canWait: true })
  }

  /** Sends the events of a turn: organizations side by side, the events of each one after the other. */
  async #deliver(turn: Turn): Promise<void> {
    if (turn.queues.length === 0) return
    const webhook = openWebhook(this.#dir, turn.webhook)
    const beganAt = performance.now()
    const isOver = (): boolean =>
      this.#stopping.signal.aborted || turn.isBroken() || performance.now() - beganAt > TURN_MS
    const queues = turn.queues.values()
    const work = async (): Promise<void> => {
      for (const queue of queues) await sendAll(queue)
    }
    const sendAll = async ({ items }: Queue): Promise<void> => {
      for (const item of items) {
        if (isOver()) return
        const attempt = await this.#sender.send(webhook, item.event, this.#stopping.signal)
        // An attempt that the stop has cut says nothing about the receiver.
        if (this.#stopping.signal.aborted && !attempt.delivered) return
        turn.record(item, attempt, this.#dir.now())
        if (!attempt.delivered) return
      }
    }
    await Promise.all(Array.from({ length: turn.isTripped ? 1 : ORGANIZATIONS }, work))
  }
}
