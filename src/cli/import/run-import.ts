import { type ImportStep, newImportKind } from '../../directory/imports/import-job.ts'
import { type BegunImport, getImport } from '../../directory/imports/imports.ts'
import type { Import } from '../../model/imports.ts'
import type { Opened, Session } from '../command.ts'
import { complain } from '../output.ts'
import type { FileProfile } from './file.ts'
import { limitMemory } from './memory.ts'
import { newPace } from './pace.ts'
import { ProgressBar } from './progress-bar.ts'
import type { ResultWriter } from './results.ts'
import { RowReader } from './row-reader.ts'
import type { RowFile } from './rows.ts'
import { runJob } from './run-job.ts'

/** What an import is run with. */
export interface ImportRun {
  readonly file: FileProfile & RowFile
  readonly writer: ResultWriter
  /** Begins or takes over the import, for the kind of job that runs it. */
  readonly begin: (kind: ReturnType<typeof newImportKind>) => Promise<BegunImport>
}

/**
 * Runs an import to its end, or until the process is asked to stop. A stopped or killed import goes on when it is begun
 * again.
 * @returns the import after that; its `endedAt` is null if it has not come to its end
 */
export async function runImport(session: Session, opened: Opened, run: ImportRun): Promise<Import> {
  const limit = limitMemory()
  const { dir, ctx } = opened
  const { file, writer } = run
  const pace = newPace(opened)
  const reader = new RowReader(file.rows, pace.size)
  const bar = new ProgressBar(session.io.stderr)
  let step: ImportStep | undefined
  let output: Promise<void> = Promise.resolve()
  const source = {
    async read(done: number) {
      // A reader that is slower than the import must not make results pile up.
      await output
      await pace.rest()
      limit()
      return reader.read(done)
    },
  }
  const kind = newImportKind(dir, source, (noted) => {
    step = noted
  })
  const begun = await run.begin(kind)
  const { id } = begun.import
  if (begun.done > 0)
    complain(session.io.stderr, `the import ${id} goes on after the ${begun.done} rows that are done`)
  await runJob(session, opened, {
    ...{ kind, jobPk: begun.jobPk, jobId: id },
    report({ done }) {
      const results = step?.results ?? []
      if (results.some(({ status }) => status === 'invalid' || status === 'conflict')) bar.clear()
      output = writer.write(results)
      // The next read throws it.
      output.catch(() => undefined)
      bar.show(file.place() / Math.max(file.bytes, 1), done)
    },
  })
  bar.clear()
  await output
  return getImport(dir, ctx, id)
}
