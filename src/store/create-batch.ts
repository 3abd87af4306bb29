import { setTimeout as pause } from 'node:timers/promises'
import { type InsertOutcome, type NewUserRow, StoreError } from './port.ts'

/** The most users that share one commit. */
const MAX_TOGETHER = 256
/** The longest that a user waits in the queue. */
const WAIT_MS = 5_000
const DRAIN_PAUSE_MS = 5

interface Waiting {
  readonly row: NewUserRow
  /** As `performance.now()` returns it: the system's clock may be set back. */
  readonly since: number
  resolve(outcome: InsertOutcome): void
  reject(reason: unknown): void
}

/** How an engine inserts a batch. */
interface BatchInsert {
  /**
   * Inserts users in one commit.
   * @returns an outcome for each row, in order, once they are on disk
   */
  insert(rows: readonly NewUserRow[]): Promise<readonly InsertOutcome[]>
  /** Returns whether a single row made a batch fail, and nothing was written. */
  isOfOneRow(error: unknown): boolean
  /** How many batches run at once: while one commits, the next one is prepared. */
  readonly running: number
  /** So many users do not wait for others. */
  readonly enough: number
}

/**
 * Inserts users who are created at the same moment with one commit. For each user this costs a fraction of what a
 * commit of its own would cost. A user that cannot be inserted does not affect the others.
 */
export class CreateBatch {
  readonly #engine: BatchInsert
  readonly #queue: Waiting[] = []
  #running = 0
  #soon: NodeJS.Immediate | null = null
  #expiry: NodeJS.Timeout | null = null

  constructor(engine: BatchInsert) {
    this.#engine = engine
  }

  /** Inserts one user; see `Store.insertUser`. */
  add(row: NewUserRow): Promise<InsertOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ row, since: performance.now(), resolve, reject })
      this.#expiry ??= this.#refuseAfter(WAIT_MS)
      if (this.#queue.length >= this.#engine.enough) this.#begin()
      else this.#beginSoon()
    })
  }

  /** Waits until no user is left. */
  async drain(): Promise<void> {
    while (this.#running > 0 || this.#queue.length > 0) await pause(DRAIN_PAUSE_MS)
  }

  /** Begins a batch after all pending I/O, so that requests that arrived together are written together. */
  #beginSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = null
      this.#begin()
    })
  }

  #begin(): void {
    if (this.#queue.length === 0 || this.#running === this.#engine.running) return
    this.#running++
    const waiting = this.#queue.splice(0, MAX_TOGETHER)
    // All processes use this order, so that two statements of PostgreSQL cannot deadlock.
    waiting.sort((one, other) => compare(one.row, other.row))
    void this.#insertTogether(waiting).then(() => {
      this.#running--
      if (this.#queue.length > 0) this.#beginSoon()
    })
  }

  /** Refuses users that have waited for WAIT_MS, so that a silent database does not hold their callers. */
  #refuseLate(): void {
    this.#expiry = null
    const limit = performance.now() - WAIT_MS
    while (this.#queue[0] && this.#queue[0].since <= limit)
      this.#queue.shift()?.reject(new StoreError('busy', 'the database does not keep up with the creates'))
    if (this.#queue[0]) this.#expiry = this.#refuseAfter(this.#queue[0].since - limit)
  }

  /** The timer must not keep a process alive that has stopped. */
  #refuseAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#refuseLate(), ms).unref()
  }

  async #insertTogether(waiting: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#engine.insert(waiting.map(({ row }) => row))
      for (const [i, one] of waiting.entries()) one.resolve(outcomes[i] ?? 'refused')
    } catch (error) {
      // Trying each row alone shows which one made the batch fail.
      if (waiting.length > 1 && this.#engine.isOfOneRow(error))
        await Promise.all(waiting.map((one) => this.#insertTogether([one])))
      else for (const one of waiting) one.reject(error)
    }
  }
}

function compare(one: NewUserRow, other: NewUserRow): number {
  const organizations = one.user.organizationPk - other.user.organizationPk
  if (organizations !== 0) return organizations
  return (one.emailKey ?? '') < (other.emailKey ?? '') ? -1 : 1
}
