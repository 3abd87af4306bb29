import type { Command } from 'commander'
import { action, type Session } from './command.ts'
import type { ExportOptions } from './user-export.ts'
import type { ImportOptions } from './user-import.ts'

/** The commands of `usher user` that read and write files. What they need is loaded when they run. */
export function defineUserFiles(user: Command, session: Session): void {
  user
    .command('import')
    .description(
      'Import people from a CSV or NDJSON file: new ones are created, others changed. Members: firstName, lastName, ' +
        'email, groups (with | between them), and, if you like, id and customerId. The same file goes on after a stop',
    )
    .argument('<file>', 'File with a header (CSV) or one JSON object a line (NDJSON)')
    .option('--organization <id>', 'Id of the organization of rows that have no customerId')
    .option('--reseller <id>', 'Id of the reseller in whose context users are created')
    .option('--plan', 'Check every row and say what it would do, without changing anything')
    .option('--rows', 'Print a line for each row, not only for rows with a problem')
    .action(
      action(session, async (file: string, options: ImportOptions) => {
        const { importFile } = await import('./user-import.ts')
        return importFile(session, file, options)
      }),
    )
  user
    .command('export')
    .description('Print users as CSV, or with --json as NDJSON, in the form that usher user import reads')
    .option('--organization <id>', 'Only the users of this organization')
    .action(
      action(session, async (options: ExportOptions) => {
        const { exportFile } = await import('./user-export.ts')
        return exportFile(session, options)
      }),
    )
}
