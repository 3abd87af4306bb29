import type { Context } from '../../model/context.ts'
import { newId } from '../../model/ids.ts'
import { addCounts, NO_ROWS, type RowResult } from '../../model/imports.ts'
import type { PersonRow } from '../../model/person-rows.ts'
import { addImportCounts, insertImport, markImportEnded } from '../../store/tables/imports.ts'
import type { Directory } from '../directory.ts'
import { runUnit } from '../unit.ts'
import { applyRows, type RunningImport } from './apply-rows.ts'
import { foldTarget, getRunningImport, toImportSubject, toNewImport } from './imports.ts'
import { getTargetOrganization, type ImportTarget } from './resolve-rows.ts'
import { toRowBatch } from './row-batch.ts'

/** A bulk call that runs. */
export interface BulkCall extends RunningImport {
  /** The id of its change set, by which it can be undone. */
  readonly id: string
}

/**
 * Begins a bulk call: it is an import whose rows come with the call.
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `organization_not_found`, `reseller_not_found`,
 *   `reseller_not_own`, `reseller_not_related`, `store_unavailable`
 */
export function beginBulk(dir: Directory, ctx: Context, sent: ImportTarget): Promise<BulkCall> {
  const target = foldTarget(sent)
  return runUnit(dir, ctx, toImportSubject(target), async (unit) => {
    const organization = await getTargetOrganization(unit, target)
    const id = newId()
    const row = toNewImport(unit, { id, target, organization })
    const pk = await insertImport(unit.tx, { ...row, source: 'call', file: null, contentHash: null })
    const about = { organization: organization.id, target: id, reseller: target.resellerId }
    await unit.audit({ outcome: 'begun', ...about })
    return { pk, id, target }
  })
}

/**
 * Applies some rows of a bulk call, in one commit.
 * @returns a result for each row, in order
 * @throws {DirectoryError} `not_permitted`, `import_not_found`, `job_ended` if its undo has begun,
 *   `organization_not_found`, `customer_not_found`, `store_unavailable`
 */
export function applyBulkRows(
  dir: Directory,
  ctx: Context,
  { call, rows }: { call: BulkCall; rows: readonly PersonRow[] },
): Promise<RowResult[]> {
  return runUnit(dir, ctx, toImportSubject(call.target), async (unit) => {
    await getRunningImport(unit, call.id)
    const results = await applyRows(dir, unit, { ...call, rows: toRowBatch(rows) })
    await addImportCounts(unit.tx, call.pk, addCounts(NO_ROWS, results))
    return results
  })
}

/**
 * Ends a bulk call, whose last row has come.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function endBulk(dir: Directory, ctx: Context, call: BulkCall): Promise<void> {
  return runUnit(dir, ctx, toImportSubject(call.target), async (unit) => {
    await markImportEnded(unit.tx, call.pk, unit.now)
    await unit.audit({ outcome: 'ended', target: call.id, reseller: call.target.resellerId })
  })
}
