import type { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { normaliseDatabaseUrl } from '../database-url.ts'
import { type Directory, newDirectory, type Sealer } from '../directory/directory.ts'
import { newAuditKeySealer } from '../directory/sealing/audit-keys.ts'
import { checkSecrets } from '../directory/sealing/check.ts'
import { newSealer } from '../directory/sealing/sealer.ts'
import { loadMasterKeys } from '../master-key.ts'
import { copyDirectory, countRows, type RowCounts } from '../store/copy.ts'
import { openStore } from '../store/open.ts'
import { action, type Output, type Session, UsageError } from './command.ts'

/** `usher store`: the store as a whole. */
export function defineStore(store: Command, session: Session): void {
  store
    .command('copy')
    .description('Copy a directory to another SQLite file or PostgreSQL database, and verify the copy')
    .requiredOption('--from <url>', 'URL of the store to copy; no server may use it at the same time')
    .requiredOption('--to <url>', 'URL of an empty store to copy to; a missing SQLite file is created')
    .action(action(session, (options: CopyOptions) => copy(session, options)))
}

interface CopyOptions {
  readonly from: string
  readonly to: string
}

async function copy(session: Session, options: CopyOptions): Promise<Output> {
  const [fromUrl, toUrl] = [parseUrl('from', options.from), parseUrl('to', options.to)]
  if (fromUrl === toUrl) throw new UsageError("options '--from <url>' and '--to <url>' name the same store")
  const config = await readConfig(session.env)
  await using opened = new AsyncDisposableStack()
  const from = await openAt(config, fromUrl, { create: false })
  opened.defer(() => from.store.close())
  const to = await openAt(config, toUrl, { create: true })
  opened.defer(() => to.store.close())
  // A SQLite store must not have an audit entry without a block, so all entries are sealed before the copy.
  await from.store.sealAudit()
  const rows = await copyDirectory(from.store, to.store)
  return describeCopy(rows, await checkCopy(from, to, rows))
}

function parseUrl(option: string, text: string): string {
  try {
    return normaliseDatabaseUrl(text)
  } catch (error) {
    throw new UsageError(`option '--${option} <url>' ${(error as Error).message}`)
  }
}

/** Opens a store in the same way as a server, so that no server can use a SQLite file at the same time. */
async function openAt(
  config: Config,
  url: string,
  { create }: { readonly create: boolean },
): Promise<Directory> {
  const { databaseAllowDataLoss: allowDataLoss } = config
  const newOwnSealer = (): Sealer => newSealer(loadMasterKeys(config))
  const auditKeys = newAuditKeySealer(newOwnSealer)
  await using opened = new AsyncDisposableStack()
  const store = await openStore(url, { serving: true, patient: true, create, allowDataLoss, auditKeys })
  opened.defer(() => store.close())
  const dir = newDirectory({ store, sealer: newOwnSealer(), platform: '', ownerForms: new Map() })
  // From here on, the caller closes it.
  opened.move()
  return dir
}

/** The result of comparing a copy with its original. */
interface Verdict {
  /** The differences, one text for each. */
  readonly problems: readonly string[]
  /** Number of faults in the audit log of the copy. A correct copy has as many faults as the original. */
  readonly auditFaults: number
}

async function checkCopy(from: Directory, to: Directory, copied: RowCounts): Promise<Verdict> {
  const counts: Record<string, number> = await to.store.read(countRows)
  const lost = Object.entries(copied)
    .filter(([table, rows]) => counts[table] !== rows)
    .map(([table, rows]) => `the table ${table} has ${counts[table]} rows instead of ${rows}`)
  const [original, audit] = [await from.store.verifyAudit(), await to.store.verifyAudit()]
  const same = audit.head.hash === original.head.hash && audit.faultCount === original.faultCount
  const { unopened } = await checkSecrets(to)
  const sealed = unopened.map((identity) => `the secret of ${identity} cannot be opened with the master key`)
  const problems = [...lost, ...(same ? [] : ['the audit log differs from the original']), ...sealed]
  return { problems, auditFaults: audit.faultCount }
}

function describeCopy(rows: RowCounts, { problems, auditFaults }: Verdict): Output {
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0)
  const lines = [...problems]
  if (auditFaults > 0)
    lines.push(
      `The audit log of the original was damaged and was copied as it is: usher audit verify lists ${auditFaults} faults.`,
    )
  lines.push(
    problems.length === 0
      ? `Copied ${total} rows. The row counts, the audit log and all secrets are verified.`
      : `Copied ${total} rows, but the copy is not complete: do not use it.`,
  )
  return { json: { rows, problems, auditFaults }, lines, failed: problems.length > 0 }
}
