import type { Context } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import type { UndoResult } from '../../model/imports.ts'
import type { Organization } from '../../model/organizations.ts'
import type { User } from '../../model/users.ts'
import {
  type ChangeSetUser,
  markImport,
  markUsersUndone,
  selectUsersToUndo,
} from '../../store/tables/imports.ts'
import { markJobStopped, selectJob, selectOpenJob } from '../../store/tables/jobs.ts'
import { selectUsersByPks } from '../../store/tables/many-users.ts'
import { selectOrganizationByPk } from '../../store/tables/organizations.ts'
import type { Directory } from '../directory.ts'
import { beginJob } from '../jobs/jobs.ts'
import type { JobKind } from '../jobs/kind.ts'
import { newUnit, runUnit, type Unit } from '../unit.ts'
import { changeUser, removeUser } from '../user-changes.ts'
import { getReachableImport, takeJob } from './imports.ts'
import type { ContentBefore } from './merge-row.ts'

/** The number of users of one step. */
const STEP = 100

/** The number of users with each outcome so far, and the last user that was looked at. */
export interface UndoCounts {
  readonly deleted: number
  readonly changed: number
  readonly kept: number
}
type Cursor = UndoCounts & { readonly after: number }

type UndoKind = JobKind<null, Cursor>

/**
 * Begins to undo an import, or takes over an undo that has not come to its end. An import that still runs is stopped.
 * @returns the id of the import, and its job
 * @throws {DirectoryError} `not_permitted`, `import_not_found`, `job_ended`, `store_unavailable`
 */
export function beginUndo(
  dir: Directory,
  ctx: Context,
  { id, kind }: { id: string; kind: UndoKind },
): Promise<{ importId: string; jobPk: number; jobId: string }> {
  return runUnit(dir, ctx, { operation: 'UndoImport', target: id }, async (unit) => {
    const { tx, now } = unit
    const found = await getReachableImport(unit, id)
    const { id: importId, pk, undoBeganAt, undoEndedAt } = found
    if (undoEndedAt !== null)
      throw new DirectoryError('job_ended', `The import ${importId} has been undone already.`)
    const open = await selectOpenJob(tx, { kind: 'UndoImport', target: importId })
    if (open) {
      await takeJob(tx, open.pk, now)
      await unit.audit({ outcome: 'resumed', target: importId })
      return { importId, jobPk: open.pk, jobId: open.id }
    }
    const provider = { providerPk: ctx.organization.providerPk, ownPk: null }
    const importing = await selectJob(tx, importId, provider)
    if (importing?.endedAt === null) await markJobStopped(tx, importing.pk, now)
    const jobId = await beginJob(unit, kind, { input: null, target: importId })
    if (undoBeganAt === null) await markImport(tx, pk, 'undo_began_at', now)
    await unit.audit({ outcome: 'begun', organization: found.organizationId, target: importId })
    return { importId, jobPk: (await selectJob(tx, jobId, provider))?.pk ?? 0, jobId }
  })
}

/**
 * Makes the kind of job that undoes an import: it deletes the users whom the import created or restored, and gives the
 * others their earlier content back. A user whom anyone has changed since stays as they are.
 * @param noteStep gets what each try of a step did; it counts only once the step is committed
 */
export function newUndoKind(dir: Directory, noteStep: (results: readonly UndoResult[]) => void): UndoKind {
  return {
    operation: 'UndoImport',
    async step(unit, { target, cursor, done }) {
      const { pk, organizationId } = await getReachableImport(unit, target ?? '')
      const earlier = cursor ?? { after: 0, deleted: 0, changed: 0, kept: 0 }
      const page = await selectUsersToUndo(unit.tx, { importPk: pk, after: earlier.after, limit: STEP })
      const last = page.at(-1)
      if (!last) {
        await markImport(unit.tx, pk, 'undo_ended_at', unit.now)
        await unit.audit({ outcome: 'ended', organization: organizationId, target })
        noteStep([])
        return { result: toCounts(earlier), done }
      }
      const results = await undoUsers(dir, unit, page)
      await markUsersUndone(unit.tx, { importPk: pk, from: page[0]?.userPk ?? 0, through: last.userPk })
      noteStep(results)
      return { cursor: { ...countResults(earlier, results), after: last.userPk }, done: done + page.length }
    },
  }
}

function toCounts({ deleted, changed, kept }: UndoCounts): UndoCounts {
  return { deleted, changed, kept }
}

function countResults(earlier: UndoCounts, results: readonly UndoResult[]): UndoCounts {
  const sum = { ...toCounts(earlier) }
  for (const { status } of results) sum[status]++
  return sum
}

async function undoUsers(dir: Directory, unit: Unit, page: readonly ChangeSetUser[]): Promise<UndoResult[]> {
  const users = await selectUsersByPks(
    unit.tx,
    page.map(({ userPk }) => userPk),
  )
  const results: UndoResult[] = []
  for (const change of page) {
    const user = users.get(change.userPk)
    if (user)
      results.push({ line: change.line, id: user.id, ...(await undoOne(dir, unit, { user, change })) })
  }
  return results
}

type Undone = Pick<UndoResult, 'status' | 'reason'>

async function undoOne(
  dir: Directory,
  unit: Unit,
  { user, change }: { user: User; change: ChangeSetUser },
): Promise<Undone> {
  if (user.deletedAt !== null) return keep('was deleted since')
  if (user.version !== change.version) return keep('was changed since')
  const organization = await selectOrganizationByPk(unit.tx, user.organizationPk)
  if (!organization) return keep('has no organization')
  try {
    return await takeBack(dir, unit, { user, organization, change })
  } catch (error) {
    if (!(error instanceof DirectoryError) || error.code === 'store_unavailable') throw error
    return keep(error.message)
  }
}

function keep(reason: string): Undone {
  return { status: 'kept', reason }
}

async function takeBack(
  dir: Directory,
  { tx, ctx }: Unit,
  { user, organization, change }: { user: User; organization: Organization; change: ChangeSetUser },
): Promise<Undone> {
  const unitOf = (operation: 'DeleteUser' | 'UpdateUser'): Unit => newUnit(dir, ctx, { operation }, tx)
  if (change.outcome !== 'changed') {
    await removeUser(unitOf('DeleteUser'), { user, organization })
    return { status: 'deleted', reason: null }
  }
  if (change.before === null) return keep('has no earlier content: it was erased')
  const changes = JSON.parse(change.before) as ContentBefore
  await changeUser(dir, unitOf('UpdateUser'), { user, organization, changes })
  return { status: 'changed', reason: null }
}
