import { isIP } from 'node:net'
import type { Command } from 'commander'
import { ConfigError, readConfig } from '../config.ts'
import { type PostgresUrl, parsePostgresUrl } from '../database-url.ts'
import { backUpFile, toSqlitePath } from '../store/open.ts'
import { action, type Output, type Session, stopSignal } from './command.ts'

/** `usher backup`: a copy of the store, also while Usher serves. */
export function defineBackup(backup: Command, session: Session): void {
  backup
    .argument('<file>', 'File to write; it must not exist, except with --overwrite')
    .option('--overwrite', 'Replace the file if it is an older backup')
    .addHelpText('after', '\nThe master key is not in the backup: keep a copy of it elsewhere.')
    .action(
      action(session, (file: string, { overwrite = false }: { overwrite?: boolean }) =>
        backUp(session, file, { overwrite }),
      ),
    )
}

async function backUp(
  session: Session,
  file: string,
  { overwrite }: { readonly overwrite: boolean },
): Promise<Output> {
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
  const database = toShortUrl(parsePostgresUrl(databaseUrl))
  return `the directory is on PostgreSQL, which has its own tools: ${tool} --dbname=${database}. See "Back up and restore" in docs/operating.md`
}

/** Returns a URL of the same database, without the user, the password and TLS. */
function toShortUrl({ host, port, database }: PostgresUrl): string {
  const path = `/${encodeURIComponent(database ?? '')}`
  const at = port === null ? '' : `:${port}`
  if (host?.startsWith('/')) return `postgres://${path}?host=${host}${port === null ? '' : `&port=${port}`}`
  return `postgres://${isIP(host ?? '') === 6 ? `[${host}]` : (host ?? '')}${at}${path}`
}
