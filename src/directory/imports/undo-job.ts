import type { Context } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import type { UndoResult } from '../../model/imports.ts'
import type { Organization } from '../../model/organizations.ts'
import type { User } from '../../model/users.ts'
import {
  type ChangeSetUser,
  markUndoBegan,
  markUndoEnded,
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

/** The number of users with each outcome so far. */
export interface UndoCounts {
  readonly deleted: number
  readonly changed: number
  readonly kept: number
}

interface Cursor extends UndoCounts {
  /** The primary key of the user that was looked at last. */
  readonly after: number
  /** Whether all users have been looked at once. The second pass looks again at those who were the last Administrator. */
  readonly isSecondPass: boolean
}

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
    if (undoBeganAt === null) await markUndoBegan(tx, pk, now)
    const { organizationId: organization, resellerId: reseller } = found
    await unit.audit({ outcome: 'begun', organization, target: importId, reseller })
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
      const {
        pk,
        organizationId: organization,
        resellerId: reseller,
      } = await getReachableImport(unit, target ?? '')
      const earlier = cursor ?? { after: 0, isSecondPass: false, deleted: 0, changed: 0, kept: 0 }
      const { isSecondPass } = earlier
      const page = await selectUsersToUndo(unit.tx, { importPk: pk, after: earlier.after, limit: STEP })
      const last = page.at(-1)
      if (!last && !isSecondPass) {
        noteStep([])
        return { cursor: { ...earlier, after: 0, isSecondPass: true }, done }
      }
      if (!last) {
        await markUndoEnded(unit.tx, pk, unit.now)
        await unit.audit({ outcome: 'ended', organization, target, reseller })
        noteStep([])
        return { result: toCounts(earlier), done }
      }
      const { results, undone } = await undoUsers(dir, unit, { page, isSecondPass })
      await markUsersUndone(unit.tx, pk, undone)
      noteStep(results)
      const counts = countResults(earlier, results)
      return { cursor: { ...counts, after: last.userPk, isSecondPass }, done: done + undone.length }
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

/**
 * Undoes what an import did to users. The first pass skips a last Administrator: it may give the group back to a later
 * user.
 * @returns the results, and the primary keys of the users who are done
 */
async function undoUsers(
  dir: Directory,
  unit: Unit,
  { page, isSecondPass }: { page: readonly ChangeSetUser[]; isSecondPass: boolean },
): Promise<{ results: UndoResult[]; undone: number[] }> {
  const users = await selectUsersByPks(
    unit.tx,
    page.map(({ userPk }) => userPk),
  )
  const results: UndoResult[] = []
  const undone: number[] = []
  for (const change of page) {
    const user = users.get(change.userPk)
    const result = user && (await undoOne(dir, unit, { user, change, isSecondPass }))
    if (result === 'later') continue
    undone.push(change.userPk)
    if (user && result) results.push({ line: change.line, id: user.id, ...result })
  }
  return { results, undone }
}

type Undone = Pick<UndoResult, 'status' | 'reason'>

/** Undoes what an import did to a user. Returns `later` if the second pass decides. */
async function undoOne(
  dir: Directory,
  unit: Unit,
  { user, change, isSecondPass }: { user: User; change: ChangeSetUser; isSecondPass: boolean },
): Promise<Undone | 'later'> {
  if (user.deletedAt !== null) return keep('was deleted since')
  if (user.version !== change.version) return keep('was changed since')
  const organization = await selectOrganizationByPk(unit.tx, user.organizationPk)
  if (!organization) return keep('has no organization')
  try {
    return await takeBack(dir, unit, { user, organization, change })
  } catch (error) {
    if (!(error instanceof DirectoryError) || error.code === 'store_unavailable') throw error
    return error.code === 'last_administrator' && !isSecondPass ? 'later' : keep(error.message)
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
