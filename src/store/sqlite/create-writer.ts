import type { BigIntStats } from 'node:fs'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import {
  type AuditKey,
  ConstraintError,
  type InsertOutcome,
  type NewUserRow,
  StoreError,
  type StoreErrorReason,
} from '../port.ts'
import type { Plan } from '../statement.ts'
import { UnsyncedError } from './errors.ts'
import type { CreateStatement } from './insert-user.ts'

// A package has JavaScript in place of the TypeScript files.
const THREAD = new URL(`./create-thread${extname(import.meta.url)}`, import.meta.url)

/** What the thread gets when it starts. */
export interface ThreadStart {
  readonly path: string
  readonly file: Pick<BigIntStats, 'ino' | 'dev'>
  readonly auditKey: AuditKey
  readonly plans: Readonly<Record<CreateStatement, Plan>>
}

/** Users that the thread inserts in one commit. */
export type Batch = readonly NewUserRow[]

/** A row, and not the file, made a batch fail: it names what does not exist, or SQLite does not take it. */
type RowFailure = 'constraint' | 'row'

/** What the thread returns for a batch. */
export interface BatchReply {
  readonly outcomes?: readonly InsertOutcome[]
  readonly failure?: { readonly kind: StoreErrorReason | RowFailure | 'unsynced'; readonly message: string }
}

/**
 * Inserts users in a thread with a connection of its own, so that commits and their syncs do not keep requests waiting.
 * Only one of the thread and the main connection may write at a time; the store sees to it.
 */
export class CreateWriter {
  readonly #path: string
  readonly #worker: Worker
  readonly #reportEnd: (reason: StoreError) => void
  readonly #waiting: PromiseWithResolvers<readonly InsertOutcome[]>[] = []
  #state: 'starting' | 'ready' | 'closing' | 'ended' = 'starting'

  /** @param reportEnd is called if the thread ends before `close` */
  constructor(start: ThreadStart, reportEnd: (reason: StoreError) => void) {
    this.#path = start.path
    this.#reportEnd = reportEnd
    this.#worker = new Worker(THREAD, { workerData: start })
    this.#worker.on('message', (reply: BatchReply | null) => this.#receive(reply))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(undefined))
    // An idle thread does not keep the process alive.
    this.#worker.unref()
  }

  /** Whether the thread takes batches: not while it starts, and not after it has ended. */
  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /**
   * Inserts users in one commit.
   * @returns an outcome for each row, in order, once they are on disk
   * @throws {UnsyncedError} when the commit could not be synced
   * @throws {StoreError} when the file cannot be written; `replaced` if another file was copied over it
   * @throws {ConstraintError} when a group does not exist; nothing is written
   * @throws {Error} when SQLite does not take a row for another reason; nothing is written
   */
  insert(batch: Batch): Promise<readonly InsertOutcome[]> {
    const waiting = Promise.withResolvers<readonly InsertOutcome[]>()
    this.#waiting.push(waiting)
    this.#worker.ref()
    this.#worker.postMessage(batch)
    return waiting.promise
  }

  /** Waits for the batches that the thread has. */
  async drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#waiting.at(-1)?.promise.catch(() => undefined)
  }

  /** Ends the thread after the batches that it has. */
  async close(): Promise<void> {
    if (this.#state === 'ended') return
    this.#state = 'closing'
    this.#worker.ref()
    this.#worker.postMessage(null)
    // Not `once`, which would reject if the thread fails: the store must close all the same.
    await new Promise((resolve) => this.#worker.on('exit', resolve))
  }

  #receive(reply: BatchReply | null): void {
    if (!reply) {
      if (this.#state === 'starting') this.#state = 'ready'
      return
    }
    const waiting = this.#waiting.shift()
    if (this.#waiting.length === 0) this.#worker.unref()
    if (reply.failure) waiting?.reject(toError(reply.failure, this.#path))
    else waiting?.resolve(reply.outcomes ?? [])
  }

  #end(error: unknown): void {
    const reason = new StoreError('failed', 'the thread that inserts users has ended', error)
    if (this.#state === 'starting' || this.#state === 'ready') this.#reportEnd(reason)
    this.#state = 'ended'
    for (const { reject } of this.#waiting.splice(0)) reject(reason)
  }
}

function toError({ kind, message }: NonNullable<BatchReply['failure']>, path: string): Error {
  if (kind === 'constraint') return new ConstraintError(message, undefined)
  if (kind === 'row') return new Error(message)
  return kind === 'unsynced' ? new UnsyncedError(path, new Error(message)) : new StoreError(kind, message)
}
