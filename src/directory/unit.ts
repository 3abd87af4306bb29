import {
  type AuditEntry,
  assertNotPersonal,
  type Change,
  type EntryOutcome,
  type Operation,
  type RecordedRead,
} from '../model/audit.ts'
import type { Context, IdempotentCall } from '../model/context.ts'
import { DirectoryError, type Issue, toInvalid } from '../model/error.ts'
import { foldId, isUuid, newId } from '../model/ids.ts'
import { foldDomain, type Organization } from '../model/organizations.ts'
import { isStorable, MAX_TEXT } from '../model/text.ts'
import { insertAuditEntry } from '../store/audit/entry-rows.ts'
import { ConstraintError, StoreError, type Tx } from '../store/port.ts'
import { selectKnownIds } from '../store/tables/relations.ts'
import { ACCESS, isPermitted, notPermitted } from './access.ts'
import type { Directory } from './directory.ts'
import { findRecordedResponse, recordResponse } from './idempotency.ts'
import type { Scope } from './reach.ts'
import { type Person, sealChanges } from './sealing/person-keys.ts'
import { KeysUnreadableError } from './sealing/sealer.ts'

/**
 * How many times a unit runs again after another unit inserted the same unique value first. After that the error is
 * treated as a bug.
 */
const MAX_RACES = 3

/** One operation that writes. All of its rows, audit entries included, are one commit. */
export interface Unit extends Scope {
  /** The time of everything that the unit writes, ISO 8601. */
  readonly now: string
  readonly ownerForms: Directory['ownerForms']
  /** Returns an audit entry of the operation without writing it, for a statement that writes it together with rows. */
  entry(details: AuditDetails): AuditEntry
  /** Writes an audit entry of the operation. */
  audit(details: AuditDetails): Promise<void>
}

/** The content of an audit entry in addition to the context. A member that is left out is taken from the subject. */
export interface AuditDetails {
  readonly operation?: Operation
  readonly outcome: EntryOutcome
  readonly organization?: string | null
  readonly target?: string | null
  /** The id of the reseller that the operation was about; the one of the context when left out. */
  readonly reseller?: string | null | undefined
  /** Those of `changes` when left out. */
  readonly changedFields?: readonly string[]
  /** What `diff` returns; none for a create. */
  readonly changes?: readonly Change[]
  /** Whose values the personal members of `changes` are: a person, or an organization for those of its contact. */
  readonly person?: Person
}

/** The operation, and what is known about it before it runs. */
export interface Subject {
  readonly operation: Operation
  /** The ids that the operation is about, as the caller sent them. */
  readonly organization?: string | null
  readonly target?: string | null
  /** The reseller that the caller named, for the entry of a refusal: no other reseller sees it. */
  readonly reseller?: string | null | undefined
  /** What is wrong with the input. With any issue the operation is refused as `invalid`, before its unit begins. */
  readonly issues?: readonly Issue[]
  /** Whether the result has a secret. It is then sealed when it is recorded under an idempotency key. */
  readonly returnsSecret?: boolean
  /** See `Store.write`. */
  readonly seesLatest?: boolean
}

/**
 * Runs an operation that writes, if its access rule permits it and its input has no issues. A refusal leaves nothing
 * but an audit entry. If the caller sent an idempotency key, the result is recorded in the same commit, and a repeated
 * call gets it without running again.
 * @param work may run more than once, so it must only query. Its result must be the same after `JSON.parse`
 * @throws {DirectoryError} `not_permitted`, `invalid`, `idempotency_key_reused`, `store_unavailable`, and what work
 *   throws
 */
export async function runUnit<T>(
  dir: Directory,
  ctx: Context,
  subject: Subject,
  work: (unit: Unit) => Promise<T>,
): Promise<T> {
  await enforceAccess(dir, ctx, subject)
  const { issues = [], seesLatest = false } = subject
  if (issues.length > 0) return refuse(dir, ctx, subject, toInvalid(issues))
  const run = ctx.idempotency ? runUnderKey(dir, ctx.idempotency, { subject, work }) : work
  for (let races = 0; ; races++) {
    try {
      return await dir.store.write((tx) => run(newUnit(dir, ctx, subject, tx)), { seesLatest })
    } catch (error) {
      if (error instanceof ConstraintError && races < MAX_RACES) continue
      if (error instanceof DirectoryError) return refuse(dir, ctx, subject, error)
      throw toUnavailable(error)
    }
  }
}

/** What is recorded of a call: its result, and what its audit entry is about. */
type Recorded<T> = Pick<AuditEntry, 'organization' | 'target' | 'reseller'> & { readonly result?: T }

/** The work of an operation. */
interface Work<T> {
  readonly subject: Subject
  readonly work: (unit: Unit) => Promise<T>
}

/** Makes the unit of an operation in an open transaction. */
export function newUnit(dir: Directory, ctx: Context, subject: Subject, tx: Tx): Unit {
  const author = newAuthor(dir, ctx, subject)
  const audit: Unit['audit'] = (details) => writeEntry(dir, { tx, entry: author.entry }, details)
  const { reach } = ACCESS[subject.operation]
  return { ...author, tx, reach, ownerForms: dir.ownerForms, audit }
}

/** What makes the rows of one operation. */
export type Author = Pick<Unit, 'ctx' | 'now' | 'entry'>

/** Makes the author of an operation. */
export function newAuthor(dir: Directory, ctx: Context, subject: Subject): Author {
  const now = dir.now().toISOString()
  const { organization: own } = ctx
  const entry: Unit['entry'] = ({ changes, ...details }) => ({
    id: newId(),
    at: now,
    operation: details.operation ?? subject.operation,
    status: 'Succeeded',
    outcome: details.outcome,
    caller: ctx.caller,
    portal: ctx.portal,
    // Ids of the details come from the directory; those of the subject, from the caller.
    organization: details.organization ?? toFolded(subject.organization) ?? own.id,
    target: details.target ?? toFolded(subject.target),
    correlationId: ctx.correlationId,
    address: ctx.address,
    reseller: details.reseller ?? resellerOf(own),
    changedFields: details.changedFields ?? changes?.map(({ name }) => name) ?? [],
    ...(changes?.length && { changes: assertNotPersonal(changes) }),
  })
  return { ctx, now, entry }
}

function writeEntry(dir: Directory, unit: Pick<Unit, 'tx' | 'entry'>, details: AuditDetails): Promise<void> {
  return details.person ? auditPerson(dir, unit, details) : insertAuditEntry(unit.tx, unit.entry(details))
}

/** Returns the reseller in whose context an organization acts. */
function resellerOf({ kind, id }: Organization): string | null {
  return kind === 'reseller' ? id : null
}

/**
 * Checks that the caller may run an operation. If not, writes the audit entry of the refusal and throws.
 * @returns undefined if the caller may: a promise for each operation would cost too much
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function enforceAccess(dir: Directory, ctx: Context, subject: Subject): Promise<never> | undefined {
  if (isPermitted(ctx, subject.operation)) return undefined
  return refuse(dir, ctx, subject, notPermitted(ctx, subject.operation))
}

function toFolded(id: string | null | undefined): string | null {
  return id ? foldId(id) : null
}

/**
 * Runs an operation that reads, if its access rule permits it. It reads one snapshot. A refusal leaves an audit entry
 * only if it is `not_permitted`.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`, and what work throws
 */
export async function runRead<T>(
  dir: Directory,
  ctx: Context,
  operation: Operation,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  await enforceAccess(dir, ctx, { operation })
  const { reach } = ACCESS[operation]
  return read(dir, (tx) => work({ tx, ctx, reach }))
}

/**
 * Like `runRead`, for a read that leaves an audit entry: one that returns secrets. The entry is on disk before the
 * result is returned. If the store accepts no writes, the result is returned all the same, because callers need these
 * secrets to reach their data; `dir.reportUnrecorded` is told.
 * @param work returns the result, and what the entry says; null if there is nothing to record
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`, and what work throws
 */
export async function runRecordedRead<T>(
  dir: Directory,
  ctx: Context,
  operation: RecordedRead,
  work: (scope: Scope) => Promise<{ result: T; details: AuditDetails | null }>,
): Promise<T> {
  const { result, details } = await runRead(dir, ctx, operation, work)
  if (!details) return result
  try {
    await dir.store.write((tx) => newUnit(dir, ctx, { operation }, tx).audit(details))
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    dir.reportUnrecorded(error)
  }
  return result
}

/**
 * Writes the audit entry of a refusal, then throws the refusal.
 * @throws {DirectoryError} the passed `error`; `store_unavailable` when the entry could not be written
 */
export async function refuse(
  dir: Directory,
  ctx: Context,
  subject: Subject,
  error: DirectoryError,
): Promise<never> {
  await write(dir, async (tx) =>
    insertAuditEntry(tx, {
      id: newId(),
      at: dir.now().toISOString(),
      operation: subject.operation,
      status: 'Failed',
      outcome: error.code,
      caller: ctx.caller,
      portal: ctx.portal === null ? null : foldDomain(ctx.portal),
      ...(await findSubject(tx, ctx, { ...subject, ...error.about })),
      correlationId: ctx.correlationId,
      address: ctx.address,
      changedFields: [],
    }),
  )
  throw error
}

/**
 * Returns what the entry of a refusal is about. An organization that the caller cannot know is a mere id, and the
 * target: otherwise the log would tell them its name, and the entry would stand among those of others.
 */
async function findSubject(
  tx: Tx,
  { organization: own }: Context,
  sent: Pick<Subject, 'organization' | 'target' | 'reseller'>,
): Promise<Pick<AuditEntry, 'organization' | 'target' | 'reseller'>> {
  const [organization, target, reseller] = [sent.organization, sent.target, sent.reseller].map((id) =>
    toFolded(toPossibleId(id)),
  )
  const ids = [organization, reseller].filter((id) => typeof id === 'string')
  const known = await selectKnownIds(tx, own, ids)
  const isKnown = organization && known.has(organization)
  // A provider may name resellers that do not exist; no reseller sees these entries.
  const isNamed = reseller && (own.kind === 'provider' ? isUuid(reseller) : known.has(reseller))
  return {
    organization: isKnown ? organization : own.id,
    target: target ?? (isKnown ? null : (organization ?? null)),
    reseller: resellerOf(own) ?? (isNamed ? reseller : null),
  }
}

/**
 * Returns a text only if it can be an id: a refused caller may have sent anything. An e-mail address or a name must not
 * be in the log, because an erasure would not find it there.
 */
function toPossibleId(text: string | null | undefined): string | null {
  return text && text.length <= MAX_TEXT && isStorable(text) && !/[@\s]/.test(text) ? text : null
}

/**
 * Reads one snapshot for the program itself, without a caller: authentication, metrics, provisioning.
 * @throws {DirectoryError} `store_unavailable`, and what work throws
 */
export async function read<T>(dir: Directory, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await dir.store.read(work)
  } catch (error) {
    throw toUnavailable(error)
  }
}

/**
 * Writes one commit for the program itself, without a caller and without an audit entry.
 * @throws {DirectoryError} `store_unavailable`, and what work throws
 */
export async function write<T>(dir: Directory, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await dir.store.write(work)
  } catch (error) {
    throw toUnavailable(error)
  }
}

/**
 * Converts a failure of the store or of reading the master keys to `store_unavailable`; returns other errors as they
 * are.
 */
export function toUnavailable(error: unknown): unknown {
  if (!(error instanceof StoreError || error instanceof KeysUnreadableError)) return error
  const message = 'The directory cannot be reached at the moment; try again.'
  return new DirectoryError('store_unavailable', message, { cause: error })
}

/** Writes an audit entry with the values of a person, which are sealed with the person's key. */
async function auditPerson(
  { sealer }: Directory,
  { tx, entry }: Pick<Unit, 'tx' | 'entry'>,
  { changes = [], person, ...details }: AuditDetails,
): Promise<void> {
  const names = changes.map(({ name }) => name)
  const written = entry({ ...details, changedFields: details.changedFields ?? names })
  const sealed = await sealChanges(sealer, tx, { changes, person, entry: written.id, now: written.at })
  await insertAuditEntry(tx, { ...written, ...(sealed.length > 0 && { changes: sealed }) })
}

/**
 * Makes work that runs once for each caller and idempotency key within 24 hours. A call that is refused is not
 * recorded, so that it can be corrected and sent again with its idempotency key.
 * @returns work that throws `idempotency_key_reused`, and what the given work throws
 * @throws {Error} if an earlier unit of the call has run with the key
 */
function runUnderKey<T>(dir: Directory, call: IdempotentCall, work: Work<T>): Work<T>['work'] {
  if (call.used) throw new Error(`${work.subject.operation} is the second unit with one idempotency key`)
  call.used = true
  return (unit) => runOnce(dir, unit, work)
}

async function runOnce<T>(dir: Directory, unit: Unit, { subject, work }: Work<T>): Promise<T> {
  const { returnsSecret = false } = subject
  const recorded = (await findRecordedResponse(dir, unit)) as Recorded<T> | undefined
  if (recorded) {
    const { organization, target, reseller } = recorded
    await unit.audit({ outcome: 'replayed', organization, target, reseller })
    return recorded.result as T
  }
  let about: Recorded<T> = { organization: null, target: null, reseller: null }
  const entry: Unit['entry'] = (details) => {
    const made = unit.entry(details)
    if (made.operation === subject.operation) {
      const { organization, target, reseller } = made
      about = { organization, target, reseller }
    }
    return made
  }
  const audit: Unit['audit'] = (details) => writeEntry(dir, { tx: unit.tx, entry }, details)
  const result = await work({ ...unit, entry, audit })
  await recordResponse(dir, unit, { response: { ...about, result }, isSecret: returnsSecret })
  return result
}
