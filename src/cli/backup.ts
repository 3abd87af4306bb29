import type { Command } from 'commander'
import { ConfigError, readConfig } from '../config.ts'
import { backUpFile, toSqlitePath } from '../store/open.ts'
import { action, type Output, type Session, stopSignal } from './command.ts'

/** `usher backup`: a copy of the store, also while Usher serves. */
export function defineBackup(backup: Command, session: Session): void {
  backup
    .argument('<file>', 'File to write; it must not exist')
    .option('--overwrite', 'Replace the file if it is an older backup')
    .addHelpText('after', '\nThe master key is not in the backup: keep a copy of it elsewhere.')
    .action(
      action(session, (file: string, options: { overwrite?: true }) =>
        backUp(session, file, options.overwrite === true),
      ),
    )
}

async function backUp(session: Session, file: string, overwrite: boolean): Promise<Output> {
  const config = await readConfig(session.env)
  const path = toSqlitePath(config.databaseUrl)
  if (path === null)
    throw new ConfigError([explainPostgres('pg_dump --format=custom --file=FILE', config.databaseUrl)])
  await backUpFile(path, file, { overwrite, signal: stopSignal(session) })
  const key = config.masterKeys ? 'USHER_MASTER_KEY' : config.masterKeyFile
  return {
    json: { file, store: path },
    lines: [
      `Backed up ${path} to ${file}, and checked the copy. The backup needs the master key of today: keep a copy of ${key} elsewhere.`,
    ],
  }
}

/**
 * Says that a command is for SQLite only, and which tool of PostgreSQL to use.
 * @param tool its call, without the database
 */
export function explainPostgres(tool: string, databaseUrl: string): string {
  const { hostname, port, pathname } = new URL(databaseUrl)
  const database = `postgres://${hostname}${port && `:${port}`}${pathname}`
  return `the directory is on PostgreSQL, which has its own tools: ${tool} --dbname=${database}. See "Back up and restore" in docs/operating.md`
}
