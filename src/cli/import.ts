import type { Command } from 'commander'
import { getImport, listImports } from '../directory/imports/imports.ts'
import { beginUndo, newUndoKind } from '../directory/imports/undo-job.ts'
import type { Import, UndoResult } from '../model/imports.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { newPace } from './import/pace.ts'
import { describeCounts } from './import/results.ts'
import { runJob } from './import/run-job.ts'
import { LIMIT } from './options.ts'
import { cutPage, describeMore } from './pages.ts'
import { formatMembers, formatTable, toLabel } from './table.ts'
import { type ImportOptions, resumeFile } from './user-import.ts'

/** `usher import`: imports of files and bulk calls, each with everything that it changed. */
export function defineImport(command: Command, session: Session): void {
  command
    .command('list')
    .description('List imports and bulk calls, newest first')
    .option(...LIMIT, 100)
    .action(action(session, (options: { limit: number }) => list(session, options.limit)))
  command
    .command('show')
    .description('Show an import or a bulk call')
    .argument('<id>', 'Id of the import')
    .action(action(session, (id: string) => show(session, id)))
  command
    .command('resume')
    .description('Go on with an import that was stopped; its file must still be in its place')
    .argument('<id>', 'Id of the import')
    .option('--rows', 'Print a line for each row, not only for rows with a problem')
    .action(action(session, (id: string, options: ImportOptions) => resumeFile(session, id, options)))
  command
    .command('undo')
    .description('Take back an import or a bulk call, except for users whom anyone has changed since')
    .argument('<id>', 'Id of the import')
    .action(action(session, (id: string) => undo(session, id)))
}

function list(session: Session, limit: number): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { items, more } = cutPage(await listImports(dir, ctx, limit + 1), limit)
    const rows = items.map((one) => [
      ...[one.id, one.organizationId, one.beganAt, stateOf(one), describeCounts(one.counts)],
      one.file,
    ])
    const lines = formatTable(['ID', 'ORGANIZATION', 'BEGAN', 'STATE', 'ROWS', 'FILE'], rows)
    return { json: items.map(toJson), lines, note: more ? describeMore(limit) : undefined }
  })
}

function show(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const json = toJson(await getImport(dir, ctx, id))
    const members = Object.entries({ ...json, rows: describeCounts(json.rows) })
    const lines = formatMembers(members.map(([name, value]) => [toLabel(name), value]))
    return { json, lines }
  })
}

/** The state of an import in one word. */
function stateOf({ endedAt, undoBeganAt, undoEndedAt }: Import): string {
  if (undoEndedAt !== null) return 'undone'
  if (undoBeganAt !== null) return 'undoing'
  return endedAt === null ? 'unfinished' : 'finished'
}

function toJson(one: Import) {
  const { id, organizationId, resellerId, source, file, caller, correlationId } = one
  return {
    ...{ id, organization: organizationId, reseller: resellerId, source, file },
    state: stateOf(one),
    rows: one.counts,
    ...{ caller: formatCaller(caller), correlationId },
    ...{ beganAt: one.beganAt, endedAt: one.endedAt, undoneAt: one.undoEndedAt },
  }
}

function undo(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async (opened) => {
    const { dir, ctx } = opened
    const kept: UndoResult[] = []
    let step: readonly UndoResult[] = []
    const counts = { deleted: 0, changed: 0, kept: 0 }
    const kind = newUndoKind(dir, (results) => {
      step = results
    })
    const pace = newPace(opened)
    const { importId, jobPk, jobId } = await beginUndo(dir, ctx, { id, kind })
    await runJob(session, opened, {
      kind: { ...kind, prepare: () => pace.rest() },
      ...{ jobPk, jobId },
      report() {
        for (const { status } of step) counts[status]++
        kept.push(...step.filter(({ status }) => status === 'kept'))
      },
    })
    const { undoEndedAt } = await getImport(dir, ctx, importId)
    const lines = kept.map((one) => `line ${one.line}: kept ${one.id}: ${one.reason}`)
    lines.push(`${counts.deleted} deleted, ${counts.changed} changed back, ${counts.kept} kept`)
    const ended = undoEndedAt !== null
    const note = ended ? undefined : 'the undo was stopped; the same command goes on with it'
    const json = { import: importId, ended, ...counts, users: kept }
    return { json, lines, note, failed: !ended || kept.length > 0 }
  })
}
