import { addCounts, NO_ROWS, type RowResult } from '../../model/imports.ts'
import { addImportCounts, markImportEnded } from '../../store/tables/imports.ts'
import type { Directory } from '../directory.ts'
import type { JobKind } from '../jobs/kind.ts'
import { applyRows } from './apply-rows.ts'
import { getRunningImport } from './imports.ts'
import type { ImportTarget } from './resolve-rows.ts'
import type { RowBatch } from './row-batch.ts'

/** Where the rows of an import come from. */
export interface RowSource {
  /**
   * Returns the rows that follow the first `done` ones; an empty batch after the last row. It may be called again for
   * the same rows.
   */
  readonly read: (done: number) => Promise<RowBatch>
}

/** What a step of an import did. It counts only once the step is committed. */
export interface ImportStep {
  readonly results: readonly RowResult[]
  /** Whether it was the last one. */
  readonly isLast: boolean
}

/**
 * Makes the kind of job that imports a file. Only the process that has the file can run it. Each step is one commit:
 * the rows with their audit entries, the change set, the counts, and the number of rows that are done.
 * @param noteStep gets what each try of a step did
 */
export function newImportKind(
  dir: Directory,
  source: RowSource,
  noteStep: (step: ImportStep) => void,
): JobKind<ImportTarget, number, RowBatch> {
  return {
    operation: 'ImportUsers',
    prepare: (_, { done }) => source.read(done),
    async step(unit, { id, input: target, done }, rows) {
      const running = await getRunningImport(unit, id)
      if (rows.size === 0) {
        await markImportEnded(unit.tx, running.pk, unit.now)
        const { organizationId: organization, resellerId: reseller } = running
        await unit.audit({ outcome: 'ended', organization, target: id, reseller })
        noteStep({ results: [], isLast: true })
        return { result: running.counts, done }
      }
      const results = await applyRows(dir, unit, { pk: running.pk, target, rows })
      await addImportCounts(unit.tx, running.pk, addCounts(NO_ROWS, results))
      noteStep({ results, isLast: false })
      return { cursor: done + rows.size, done: done + rows.size }
    },
  }
}
