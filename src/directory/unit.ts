import type { AuditEntry, Operation } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import { isStorable, MAX_TEXT } from '../model/text.ts'
import { insertAuditEntry } from '../store/audit/entries.ts'
import { ConstraintError, StoreError, type Tx } from '../store/port.ts'
import type { Directory } from './directory.ts'
import { KeysUnreadableError } from './sealing/following-sealer.ts'

/** A unit may lose a race for a unique index this often before that counts as a fault of ours. */
const MAX_RACES = 3

/** One audited unit of work: everything that it writes, entries included, is one commit. */
export interface Unit {
  readonly tx: Tx
  /** ISO 8601; the same for everything that the unit writes. */
  readonly now: string
  /** An audit entry about what the unit does, for those who write it themselves. */
  entry(said: Audited): AuditEntry
  /** Appends an audit entry about what the unit does. */
  audit(said: Audited): Promise<void>
}

interface Audited {
  readonly operation?: Operation
  readonly outcome: string
  readonly organization?: string | null
  readonly target?: string | null
  readonly changedFields?: readonly string[]
  readonly changes?: AuditEntry['changes']
}

/** What an attempt is about, as far as it is known before it begins. */
export interface Subject {
  readonly operation: Operation
  readonly organization?: string | null
  readonly target?: string | null
}

/**
 * Runs work as one unit. When the directory refuses, nothing of the unit is kept but an audit entry that says so.
 * @throws {DirectoryError} what work refused, or `store_unavailable`
 */
export async function attempt<T>(
  dir: Directory,
  ctx: Context,
  subject: Subject,
  work: (unit: Unit) => Promise<T>,
): Promise<T> {
  for (let races = 0; ; races++) {
    try {
      return await dir.store.write((tx) => work(newUnit(dir, ctx, subject, tx)))
    } catch (error) {
      if (error instanceof ConstraintError && races < MAX_RACES) continue
      if (error instanceof DirectoryError) return refuse(dir, ctx, subject, error)
      throw unavailable(error)
    }
  }
}

/**
 * Records that an authenticated caller was refused, then throws the refusal.
 * @throws {DirectoryError} `error`, or `store_unavailable` when it could not be recorded
 */
export async function refuse(
  dir: Directory,
  ctx: Context,
  subject: Subject,
  error: DirectoryError,
): Promise<never> {
  try {
    await dir.store.write((tx) => appendRefusal(dir, ctx, subject, tx, error))
  } catch (failure) {
    throw unavailable(failure)
  }
  throw error
}

/**
 * Runs work on one snapshot.
 * @throws {DirectoryError} what work refused, or `store_unavailable`
 */
export async function read<T>(dir: Directory, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await dir.store.read(work)
  } catch (error) {
    throw unavailable(error)
  }
}

/**
 * Runs work as one unit of which nobody asks for a record.
 * @throws {DirectoryError} what work refused, or `store_unavailable`
 */
export async function write<T>(dir: Directory, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await dir.store.write(work)
  } catch (error) {
    throw unavailable(error)
  }
}

/** A unit around an open transaction. */
export function newUnit(dir: Directory, ctx: Context, subject: Subject, tx: Tx): Unit {
  const now = dir.now().toISOString()
  const entry: Unit['entry'] = ({ operation, outcome, organization, target, changedFields, changes }) => ({
    id: newId(),
    at: now,
    operation: operation ?? subject.operation,
    status: 'Succeeded',
    outcome,
    caller: ctx.caller,
    portal: ctx.portal,
    organization: organization ?? subject.organization ?? ctx.organization.id,
    target: target ?? subject.target ?? null,
    correlationId: ctx.correlationId,
    changedFields: changedFields ?? [],
    ...(changes && { changes }),
  })
  return { tx, now, entry, audit: (said) => insertAuditEntry(tx, entry(said)) }
}

async function appendRefusal(
  dir: Directory,
  ctx: Context,
  subject: Subject,
  tx: Tx,
  error: DirectoryError,
): Promise<void> {
  await insertAuditEntry(tx, {
    id: newId(),
    at: dir.now().toISOString(),
    operation: subject.operation,
    status: 'Failed',
    outcome: error.code,
    caller: ctx.caller,
    portal: ctx.portal,
    organization: storable(subject.organization) ?? ctx.organization.id,
    target: storable(subject.target),
    correlationId: ctx.correlationId,
    changedFields: [],
  })
}

/** What a refused caller named may be anything; only what could be an id is kept. */
function storable(text: string | null | undefined): string | null {
  return text && text.length <= MAX_TEXT && isStorable(text) ? text : null
}

/** What a failure of the store, or of what seals for it, is to callers of the directory; anything else stays what it is. */
export function unavailable(error: unknown): unknown {
  if (!(error instanceof StoreError || error instanceof KeysUnreadableError)) return error
  return new DirectoryError(
    'store_unavailable',
    'The directory cannot be reached at the moment; try again.',
    {
      cause: error,
    },
  )
}
