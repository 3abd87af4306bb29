import type { Context } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import { foldId, foldOptionalId } from '../../model/ids.ts'
import type { Import } from '../../model/imports.ts'
import { formatCaller } from '../../store/audit/entry-rows.ts'
import type { Tx } from '../../store/port.ts'
import {
  insertImport,
  selectImport,
  selectImports,
  selectUnfinishedImports,
} from '../../store/tables/imports.ts'
import { markJobStopped, markJobWaiting, selectJob } from '../../store/tables/jobs.ts'
import { lockOrganization } from '../../store/tables/organizations.ts'
import type { Directory } from '../directory.ts'
import { beginJob } from '../jobs/jobs.ts'
import type { AnyJobKind } from '../jobs/kind.ts'
import type { Scope } from '../reach.ts'
import { runRead, runUnit, type Unit } from '../unit.ts'
import { getTargetOrganization, type ImportTarget } from './resolve-rows.ts'

/** A file to import, and where. */
export interface ImportRequest {
  readonly target: ImportTarget
  /** The path of the file. */
  readonly file: string
  /** The SHA-256 of the file, base64url. */
  readonly contentHash: string
}

/** An import that the caller runs next, by the job with its id. */
export interface BegunImport {
  readonly import: Import
  /** The number of rows that are done already. */
  readonly done: number
  readonly jobPk: number
}

/**
 * Begins to import a file, or takes over an earlier import of the same file into the same organization that has not
 * come to its end. A process that still runs the earlier one loses it.
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `organization_not_found`, `reseller_not_found`,
 *   `reseller_not_own`, `reseller_not_related`, `store_unavailable`
 */
export function beginImport(
  dir: Directory,
  ctx: Context,
  { kind, ...sent }: ImportRequest & { kind: AnyJobKind },
): Promise<BegunImport> {
  const target = foldTarget(sent.target)
  const subject = toImportSubject(target)
  return runUnit(dir, ctx, subject, async (unit) => {
    const organization = await getTargetOrganization(unit, target)
    // Of two processes that begin the same file at the same moment, the later one takes over.
    await lockOrganization(unit.tx, organization.pk)
    const same = { organization: organization.pk, contentHash: sent.contentHash }
    const earlier = (await selectUnfinishedImports(unit.tx, same)).find(
      ({ resellerId }) => resellerId === target.resellerId,
    )
    const taken = earlier && (await takeOver(unit, earlier))
    if (taken) return taken
    const id = await beginJob(unit, kind, { input: target, target: target.organizationId ?? undefined })
    await insertImport(unit.tx, {
      ...toNewImport(unit, { id, target, organization }),
      ...{ source: 'file', file: sent.file, contentHash: sent.contentHash },
    })
    const { reseller } = subject
    await unit.audit({ outcome: 'begun', organization: organization.id, target: id, reseller })
    return getBegun(unit, id)
  })
}

/** Folds the ids that a caller may have spelled in several ways. */
export function foldTarget({ organizationId, resellerId, ...target }: ImportTarget): ImportTarget {
  return {
    ...target,
    organizationId: organizationId === null ? null : foldId(organizationId),
    resellerId: foldOptionalId(resellerId ?? undefined) ?? null,
  }
}

/** Returns the subject of an import, or of a bulk call. */
export function toImportSubject({ organizationId, resellerId }: ImportTarget) {
  return { operation: 'ImportUsers', organization: organizationId, reseller: resellerId } as const
}

/** Makes the row of a new import. */
export function toNewImport(
  { ctx, now }: Unit,
  {
    id,
    target,
    organization,
  }: { id: string; target: ImportTarget; organization: { pk: number; id: string } },
) {
  const { providerPk } = ctx.organization
  const caller = formatCaller(ctx.caller)
  const { resellerId } = target
  return { id, providerPk, organization, resellerId, caller, correlationId: ctx.correlationId, now }
}

/**
 * Takes over an import from a process that ended or still runs.
 * @throws {DirectoryError} `not_permitted`, `import_not_found`, `job_ended`, `store_unavailable`
 */
export function resumeImport(dir: Directory, ctx: Context, id: string): Promise<BegunImport> {
  return runUnit(dir, ctx, { operation: 'ImportUsers', target: id }, async (unit) => {
    const found = await getReachableImport(unit, id)
    // What it did after the undo could not be undone any more.
    if (found.undoBeganAt !== null)
      throw new DirectoryError('job_ended', `The import ${id} has been undone: import its file again.`)
    const taken = found.endedAt === null && found.source === 'file' && (await takeOver(unit, found))
    if (!taken)
      throw new DirectoryError('job_ended', `The import ${id} has ended: there is nothing to resume.`)
    return taken
  })
}

/** Returns undefined if the job of the import is not there any more. */
async function takeOver(unit: Unit, { id }: Import): Promise<BegunImport | undefined> {
  const { tx, now } = unit
  const job = await findJob(unit, id)
  if (!job || job.state === 'succeeded') return undefined
  await takeJob(tx, job.pk, now)
  await unit.audit({ outcome: 'resumed', target: id })
  return getBegun(unit, id)
}

/** Takes a job from the process that has it. */
export async function takeJob(tx: Tx, pk: number, now: string): Promise<void> {
  await markJobStopped(tx, pk, now)
  await markJobWaiting(tx, pk, now)
}

async function getBegun(unit: Unit, id: string): Promise<BegunImport> {
  const job = await findJob(unit, id)
  if (!job) throw new Error(`the import ${id} has no job`)
  return { import: await getReachableImport(unit, id), done: job.done, jobPk: job.pk }
}

function findJob({ tx, ctx }: Scope, id: string): ReturnType<typeof selectJob> {
  return selectJob(tx, id, { providerPk: ctx.organization.providerPk, ownPk: null })
}

/**
 * Returns an import of the caller's provider.
 * @throws {DirectoryError} `import_not_found`
 */
export async function getReachableImport({ tx, ctx }: Scope, id: string): Promise<Import> {
  const found = await selectImport(tx, ctx.organization.providerPk, foldId(id))
  if (found) return found
  throw new DirectoryError('import_not_found', `There is no import with the id ${id}.`)
}

/**
 * Returns an import that a step adds to.
 * @throws {DirectoryError} `import_not_found`; `job_ended` if its undo has begun, which would miss what it adds
 */
export async function getRunningImport(scope: Scope, id: string): Promise<Import> {
  const found = await getReachableImport(scope, id)
  if (found.undoBeganAt === null) return found
  throw new DirectoryError('job_ended', `The import ${id} has been undone.`)
}

/**
 * Returns an import of the caller's provider.
 * @throws {DirectoryError} `not_permitted`, `import_not_found`, `store_unavailable`
 */
export function getImport(dir: Directory, ctx: Context, id: string): Promise<Import> {
  return runRead(dir, ctx, 'ListImports', (scope) => getReachableImport(scope, id))
}

/**
 * Lists the imports and bulk calls of the caller's provider, newest first.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listImports(dir: Directory, ctx: Context, limit: number): Promise<Import[]> {
  const provider = ctx.organization.providerPk
  return runRead(dir, ctx, 'ListImports', ({ tx }) => selectImports(tx, { provider, limit }))
}
