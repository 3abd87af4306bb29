import { resolve } from 'node:path'
import { beginImport, getImport, resumeImport } from '../directory/imports/imports.ts'
import { ImportPlan } from '../directory/imports/plan.ts'
import type { ImportTarget } from '../directory/imports/resolve-rows.ts'
import type { Import, RowCounts } from '../model/imports.ts'
import { type Opened, type Session, UsageError, withDirectory } from './command.ts'
import { FileError, profileFile } from './import/file.ts'
import { ProgressBar } from './import/progress-bar.ts'
import { describeCounts, ResultWriter } from './import/results.ts'
import { openRows } from './import/rows.ts'
import { type ImportRun, runImport } from './import/run-import.ts'
import { complain } from './output.ts'

/** The options of `usher user import`. */
export interface ImportOptions {
  readonly organization?: string
  readonly reseller?: string
  readonly plan?: true
  readonly rows?: boolean
  readonly json?: boolean
}

/** `usher user import`: imports a file, or says what an import would do. Prints its own output. */
export async function importFile(session: Session, path: string, options: ImportOptions): Promise<undefined> {
  const file = await openFile(session, path)
  try {
    if (options.organization === undefined && !file.hasOrganizations)
      throw new UsageError("either the option '--organization <id>' or a column customerId must be given")
    await withDirectory(session, async (opened) => {
      const { dir, ctx } = opened
      const target = { organizationId: options.organization ?? null, resellerId: options.reseller ?? null }
      const writer = newWriter(session, options)
      if (options.plan) return planImport(session, opened, { file, writer, target })
      const { hash: contentHash } = file
      const request = { target, file: file.path, contentHash }
      const begin: ImportRun['begin'] = (kind) => beginImport(dir, ctx, { ...request, kind })
      await finish(session, opened, { file, writer, begin })
    })
  } finally {
    await file.close()
  }
}

/** `usher import resume`: goes on with an import whose process has ended. */
export async function resumeFile(
  session: Session,
  id: string,
  options: Pick<ImportOptions, 'rows' | 'json'>,
): Promise<undefined> {
  await withDirectory(session, async (opened) => {
    const { dir, ctx } = opened
    const found = await getImportOfFile(opened, id)
    const file = await openFile(session, found.file)
    try {
      if (file.hash !== found.contentHash)
        throw new FileError(
          `${found.file} has changed since the import began: undo the import, and import the new file`,
        )
      const writer = newWriter(session, options)
      await finish(session, opened, { file, writer, begin: () => resumeImport(dir, ctx, id) })
    } finally {
      await file.close()
    }
  })
}

async function getImportOfFile({ dir, ctx }: Opened, id: string): Promise<Import & { file: string }> {
  const found = await getImport(dir, ctx, id)
  const { file } = found
  if (file !== null) return { ...found, file }
  throw new UsageError(`the import ${id} is a bulk call: send it again, its rows repeat by themselves`)
}

/** Opens a file, and says which of its columns are ignored. */
async function openFile(session: Session, path: string): Promise<ImportRun['file']> {
  const profile = await profileFile(resolve(path))
  const rows = await openRows(profile)
  if (rows.ignored.length > 0) complain(session.io.stderr, `ignored columns: ${rows.ignored.join(', ')}`)
  return { ...profile, ...rows }
}

function newWriter({ io }: Session, { rows = false, json = false }: ImportOptions): ResultWriter {
  return new ResultWriter(io.stdout, { asJson: json, all: rows })
}

/** Runs an import, and prints the summary of all its runs. */
async function finish(session: Session, opened: Opened, run: ImportRun): Promise<void> {
  const { id, counts, endedAt } = await runImport(session, opened, run)
  const isUndoable = counts.created + counts.restored + counts.changed > 0
  const undo = isUndoable ? `; usher import undo ${id} takes it back` : ''
  const lines = [`${describeCounts(counts)}`, `The import is ${id}${undo}.`]
  await run.writer.end({ json: { import: id, ended: endedAt !== null, ...counts }, lines })
  if (endedAt === null)
    complain(session.io.stderr, 'the import was stopped; the same command goes on with it')
  if (endedAt === null || hasProblems(counts)) session.exitCode = 1
}

async function planImport(
  session: Session,
  { dir, ctx }: Opened,
  { file, writer, target }: Pick<ImportRun, 'file' | 'writer'> & { target: ImportTarget },
): Promise<void> {
  const plan = new ImportPlan(dir, ctx, target)
  const bar = new ProgressBar(session.io.stderr)
  let done = 0
  for await (const rows of file.rows) {
    const results = await plan.plan(rows)
    await writer.write(results)
    done += rows.length
    bar.show(file.place() / Math.max(file.bytes, 1), done)
  }
  bar.clear()
  const { counts } = writer
  await writer.end({
    json: { plan: true, ...counts },
    lines: [`Plan: ${describeCounts(counts)}.`, NOTHING_YET],
  })
  if (hasProblems(counts)) session.exitCode = 1
}

const NOTHING_YET = 'Nothing has been changed.'

function hasProblems({ invalid, conflict }: RowCounts): boolean {
  return invalid + conflict > 0
}
