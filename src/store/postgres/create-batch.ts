import type pg from 'pg'
import { retry } from '../../retry.ts'
import { type InsertOutcome, type NewUserRow, StoreError, type StoreEvents } from '../port.ts'
import { isOfOneRow, isOwnerMissing, isRetryable, toQueryError, toStoreError } from './errors.ts'
import { newInsertUsersUnchecked, toOutcomes } from './insert-users.ts'

/** The most users that share one statement. */
const MAX_TOGETHER = 256
/** Two statements run at once: while one commits, the next one is prepared. */
const MAX_RUNNING = 2
const MAX_TRIES = 5
/** The longest that a user waits in the queue. */
const WAIT_MS = 5_000

interface Waiting {
  readonly row: NewUserRow
  readonly since: number
  resolve(outcome: InsertOutcome): void
  reject(reason: unknown): void
}

/**
 * Writes users that are created at the same moment with one statement and one commit. For each user this costs
 * PostgreSQL about a fifth of what a transaction of its own would cost. A user that cannot be inserted does not affect
 * the others.
 */
export class CreateBatch {
  readonly #pool: pg.Pool
  readonly #events: StoreEvents
  readonly #queue: Waiting[] = []
  #running = 0
  #expiry: NodeJS.Timeout | null = null

  constructor(pool: pg.Pool, events: StoreEvents) {
    this.#pool = pool
    this.#events = events
  }

  /**
   * Inserts one user. An inserted user is on disk when the promise resolves.
   * @throws {ConstraintError} when a group does not exist
   * @throws {StoreError} when the database cannot do it now
   */
  add(row: NewUserRow): Promise<InsertOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ row, since: Date.now(), resolve, reject })
      this.#expiry ??= this.#refuseAfter(WAIT_MS)
      if (this.#running < MAX_RUNNING) void this.#work()
    })
  }

  /**
   * Writes the queue. It first handles all pending I/O, so that requests that arrived together are written together.
   */
  async #work(): Promise<void> {
    this.#running++
    do {
      await new Promise(setImmediate)
      const waiting = this.#queue.splice(0, MAX_TOGETHER)
      // All processes use this order, so that two concurrent statements cannot deadlock.
      waiting.sort((one, other) => compare(one.row, other.row))
      if (waiting.length > 0) await this.#insertTogether(waiting)
    } while (this.#queue.length > 0)
    this.#running--
  }

  /** Refuses users that have waited for WAIT_MS, so that a silent database does not hold their callers. */
  #refuseLate(): void {
    this.#expiry = null
    const limit = Date.now() - WAIT_MS
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
      const outcomes = await this.#insert(waiting.map(({ row }) => row))
      for (const [i, one] of waiting.entries()) one.resolve(outcomes[i] ?? 'refused')
    } catch (error) {
      // One row made the whole statement fail, and nothing was written. Trying each row alone shows which one.
      if (waiting.length > 1 && isOfOneRow(error))
        await Promise.all(waiting.map((one) => this.#insertTogether([one])))
      else if (isOwnerMissing(error)) for (const one of waiting) one.resolve('refused')
      else for (const one of waiting) one.reject(error)
    }
  }

  async #insert(rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
    const result = await retry(
      () => this.#pool.query(newInsertUsersUnchecked(rows)),
      ({ error, tries }) => {
        if (!isRetryable(error)) throw toQueryError(error)
        if (tries === MAX_TRIES) throw toStoreError(error)
        return 0
      },
    )
    if (result.rows.length > 0) this.#events.committed(result.rows.length)
    return toOutcomes(result, rows.length)
  }
}

function compare(one: NewUserRow, other: NewUserRow): number {
  const organizations = one.user.organizationPk - other.user.organizationPk
  if (organizations !== 0) return organizations
  return (one.emailKey ?? '') < (other.emailKey ?? '') ? -1 : 1
}
