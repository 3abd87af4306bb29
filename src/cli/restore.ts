import type { Command } from 'commander'
import { type Config, ConfigError, readConfig } from '../config.ts'
import { listAudit, recordRestore, verifyAudit } from '../directory/audit.ts'
import { operatorContext } from '../directory/context.ts'
import { checkSecrets } from '../directory/sealing/check.ts'
import { loadMasterKeys } from '../master-key.ts'
import { openDirectory } from '../open-directory.ts'
import { stageRestore, toSqlitePath } from '../store/open.ts'
import { StoreError } from '../store/port.ts'
import { explainPostgres } from './backup.ts'
import { action, type Output, type Session, stopSignal } from './command.ts'

/** `usher restore`: a backup in the place of the store. */
export function defineRestore(restore: Command, session: Session): void {
  restore
    .argument('<file>', 'Backup of a SQLite store')
    .option(
      '--force',
      'Restore a backup even if it lacks its log, its audit log has faults, or the master key does not open every secret',
    )
    .addHelpText('after', '\nThe store that is replaced is kept under another name.')
    .action(
      action(session, (file: string, { force = false }: { force?: boolean }) =>
        restoreFile(session, file, { force }),
      ),
    )
}

interface RestoreOptions {
  readonly force: boolean
}

async function restoreFile(session: Session, file: string, { force }: RestoreOptions): Promise<Output> {
  const config = await readConfig(session.env)
  const path = toSqlitePath(config.databaseUrl)
  if (path === null)
    throw new ConfigError([explainPostgres('pg_restore --single-transaction FILE', config.databaseUrl)])
  // Without a key, nothing is changed.
  loadMasterKeys(config)
  const stopping = stopSignal(session)
  const staged = await stageRestore(path, file, { incomplete: force })
  try {
    const findings = await examine({ ...config, databaseUrl: `sqlite:${staged.path}` }, { force })
    // SQLite works without a pause, so a signal arrives only here.
    await new Promise(setImmediate)
    if (stopping.aborted) throw new StoreError('failed', 'stopped: nothing was changed')
    if (!findings.isUsed) return describeRefusal(file, findings)
    return describeRestore(findings, { file, path, kept: staged.install(new Date()) })
  } finally {
    staged.close()
  }
}

/** What a backup contains. */
interface Findings {
  /** What is wrong with the backup, one text for each fault. */
  readonly problems: readonly string[]
  /** Whether `--force` could restore it all the same. */
  readonly isForcible: boolean
  /** Whether the copy is to be installed. */
  readonly isUsed: boolean
  /** The newest block of its audit log. */
  readonly head: { readonly block: number; readonly hash: string }
  /** The time of its newest audit entry; null if there is none. */
  readonly newest: string | null
}

/**
 * Opens the copy of a backup, which migrates it, and checks its audit log and its secrets. Then records the restore in
 * it, if it will be used.
 */
async function examine(config: Config, { force }: RestoreOptions): Promise<Findings> {
  await using opened = new AsyncDisposableStack()
  const { dir, close } = await openDirectory(config, { create: false })
  opened.defer(close)
  const ctx = await operatorContext(dir)
  const { faults, head } = await verifyAudit(dir, ctx)
  const [newest] = await listAudit(dir, ctx, { limit: 1 })
  const { unopened } = await checkSecrets(dir)
  // Without the audit key, Usher can neither check the log nor write to it.
  const isForcible = !unopened.some((name) => name.startsWith('audit-key:'))
  const problems = [
    ...(unopened.length > 0 ? [explainUnopened(unopened)] : []),
    ...(isForcible && faults.length > 0 ? [FAULTS] : []),
  ]
  const isUsed = problems.length === 0 || (force && isForcible)
  if (isUsed) await recordRestore(dir, ctx)
  return { problems, isForcible, isUsed, head, newest: newest?.at ?? null }
}

const FAULTS = 'its audit log has faults, which usher audit verify lists after the restore'

function explainUnopened(identities: readonly string[]): string {
  const [first] = identities
  const count = identities.length === 1 ? '' : ` and ${identities.length - 1} more`
  return `the master key does not open the secret of ${first}${count}: add the master key of the backup's time to the key file as another line, or to USHER_MASTER_KEY`
}

function describeRefusal(file: string, { problems, isForcible }: Findings): Output {
  const lines = problems.map((problem) => `${file}: ${problem}`)
  const end = isForcible ? '. --force restores the backup all the same.' : '.'
  lines.push(`Nothing was changed${end}`)
  return { json: { restored: false, problems }, lines, failed: true }
}

function describeRestore(
  { problems, head, newest }: Findings,
  { file, path, kept }: { file: string; path: string; kept: string | null },
): Output {
  const lines = [
    ...problems.map((problem) => `Restored in spite of this: ${problem}`),
    `Restored ${file} to ${path}. ${newest === null ? 'It has no audit entry' : `Its newest audit entry is of ${newest}`}; its newest block is ${head.block}, hash ${head.hash}.`,
    ...(kept ? [`The former store is kept as ${kept}; remove it when you do not need it.`] : []),
    'Start Usher, and compare the platform with usher platform check.',
  ]
  return { json: { restored: true, store: path, kept, newest, head, problems }, lines }
}
