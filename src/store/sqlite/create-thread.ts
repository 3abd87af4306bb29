import { fdatasyncSync, openSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { type BlockHead, toNextBlock } from '../audit/block-rows.ts'
import { type AuditKey, ConstraintError, type InsertOutcome, type OpenBlock, StoreError } from '../port.ts'
import { bind, type Plan } from '../statement.ts'
import { Checkpointer } from './checkpointer.ts'
import type { Batch, BatchReply, ThreadStart } from './create-writer.ts'
import { openDatabase } from './database.ts'
import { toQueryError, UnsyncedError } from './errors.ts'
import { statInPlace } from './files.ts'
import {
  type CreateStatement,
  insertUser,
  type StatementResult,
  sealBlock,
  type Writer,
} from './insert-user.ts'
import { assertLogBelongs } from './log-check.ts'
import { isLogMarked, type Marked, markLog } from './log-marks.ts'

// The thread that inserts users, see create-writer.ts. It imports no query builder, so it starts fast and stays small.

/** How long a batch waits for another process that writes to the same file. */
const BUSY_MS = 3_000
/** The pages in the log after which another thread copies it into the file. */
const LOG_PAGES = 12_000
/** The pages after which a commit copies the log, and keeps all creates waiting: the other thread has ended. */
const MAX_LOG_PAGES = 48_000
/** How many batches write so little that the pages of the log need not be counted. */
const BATCHES_PER_COUNT = 16

/** The connection of the thread. It runs the statements of creates, which the main thread has compiled. */
class ThreadConnection implements Writer, Marked {
  readonly #db: DatabaseSync
  readonly #plans: ThreadStart['plans']
  readonly #prepared = new Map<CreateStatement, StatementSync>()
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #countPages: StatementSync
  block: OpenBlock | null = null

  constructor({ path, plans }: ThreadStart) {
    // A new file would be made while the store's own file is moved away for a moment.
    this.#db = openDatabase(path, {
      busyMs: BUSY_MS,
      mustExist: true,
      checkpointPages: MAX_LOG_PAGES,
    })
    this.#plans = plans
    this.#begin = this.#db.prepare('BEGIN IMMEDIATE')
    this.#commit = this.#db.prepare('COMMIT')
    this.#countPages = this.#db.prepare('PRAGMA wal_checkpoint(NOOP)')
  }

  begin(): void {
    this.#begin.run()
    this.block = toNextBlock(this.getNow('headBlock') as BlockHead | undefined)
  }

  /** Seals the audit block, and commits. */
  commit(key: AuditKey): void {
    if (this.block && this.block.hashes.length > 0) sealBlock(this, this.block, key)
    this.#commit.run()
  }

  /** Returns how many pages the log has. Must not be called in a transaction. */
  countLogPages(): number {
    return Number(this.#countPages.get()?.log)
  }

  rollback(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }

  runNow(name: CreateStatement, params: object): StatementResult {
    return this.#prepare(name).run(...this.#bind(name, params)) as StatementResult
  }

  getNow(name: CreateStatement): unknown {
    return this.#prepare(name).get(...this.#bind(name, {}))
  }

  execOnce(text: string): void {
    this.#db.exec(text)
  }

  pragma(text: string): Readonly<Record<string, unknown>> {
    return this.#db.prepare(`PRAGMA ${text}`).get() ?? {}
  }

  close(): void {
    this.#db.close()
  }

  #prepare(name: CreateStatement): StatementSync {
    let prepared = this.#prepared.get(name)
    if (!prepared) {
      prepared = this.#db.prepare(this.#plans[name].sql)
      this.#prepared.set(name, prepared)
    }
    return prepared
  }

  #bind(name: CreateStatement, params: object): string[] {
    return bind(this.#plans[name] as Plan, params) as string[]
  }
}

const start = workerData as ThreadStart
const port = parentPort as MessagePort
const db = new ThreadConnection(start)
let log: number | null = null
let checkpointer: Checkpointer | null = null
let batches = 0

/** The time of the last change of the file when its log was last seen to be marked. */
let markedAt: bigint | null = null
/** Set when a sync has failed. Nothing is written after that. */
let broken: UnsyncedError | null = null

port.on('message', (batch: Batch | null) => (batch ? write(batch) : close()))
port.postMessage(null)

function write(batch: Batch): void {
  try {
    if (broken) throw broken
    const outcomes = insertTogether(batch)
    sync()
    port.postMessage({ outcomes } satisfies BatchReply)
  } catch (error) {
    db.rollback()
    const reply: BatchReply = { failure: toFailure(error) }
    port.postMessage(reply)
    if (reply.failure?.kind === 'busy') refuseWaiting(reply)
  }
  copyLongLog()
}

/** Refuses the batches that came while another one waited for a lock: they and the main connection do not wait again. */
function refuseWaiting(reply: BatchReply): void {
  // The store ends the thread only when it has no batch, so each message is one.
  while (receiveMessageOnPort(port)) port.postMessage(reply)
}

/**
 * Syncs the log. The thread waits for it: to sync in another thread and to be woken by it costs a tenth of a create.
 * @throws {UnsyncedError}
 */
function sync(): void {
  try {
    log ??= openSync(`${start.path}-wal`, 'r+')
    fdatasyncSync(log)
  } catch (error) {
    broken = new UnsyncedError(start.path, error as Error)
    throw broken
  }
}

/** Lets the other thread copy the log into the file, if it has become long. */
function copyLongLog(): void {
  const { path, file } = start
  if (++batches % BATCHES_PER_COUNT !== 0 || broken || checkpointer?.isRunning) return
  try {
    // After another checkpoint, the next commit must mark the log first.
    if (db.countLogPages() < LOG_PAGES || statInPlace(path, file) !== markedAt) return
    checkpointer ??= new Checkpointer(path)
    checkpointer.begin()
  } catch {
    // The next batch meets the same fault, and returns it.
  }
}

/** Inserts users in one commit. */
function insertTogether(rows: Batch): InsertOutcome[] {
  begin()
  const outcomes = rows.map((row) => insertUser(db, row))
  db.commit(start.auditKey)
  return outcomes
}

/** Begins a commit, in the file that the store has opened, and in a log that is marked. */
function begin(): void {
  const { path, file } = start
  db.begin()
  // Only a checkpoint changes the file, and only after a checkpoint can a commit begin a new log.
  if (statInPlace(path, file) === markedAt || checkpointer?.keepsLog) return
  if (!isLogMarked(db, path)) {
    assertLogBelongs(path)
    db.rollback()
    markLog(db, path)
    db.begin()
  }
  if (isLogMarked(db, path)) markedAt = statInPlace(path, file)
}

function toFailure(raw: unknown): NonNullable<BatchReply['failure']> {
  const error = toQueryError(raw)
  if (error instanceof UnsyncedError) return { kind: 'unsynced', message: (error.cause as Error).message }
  if (error instanceof StoreError) return { kind: error.reason, message: error.message }
  return { kind: error instanceof ConstraintError ? 'constraint' : 'row', message: error.message }
}

async function close(): Promise<void> {
  await checkpointer?.close()
  db.close()
  port.close()
}
