import type { Config } from '../config.ts'
import { parseDatabaseUrl } from '../config.ts'
import { verifyAudit } from '../directory/audit.ts'
import { type Directory, newDirectory } from '../directory/directory.ts'
import { checkSecrets } from '../directory/sealing/check.ts'
import { newSealer } from '../directory/sealing/sealer.ts'
import { loadMasterKeys } from '../master-key.ts'
import { copyDirectory, countRows, type RowCounts } from '../store/copy.ts'
import { openStore } from '../store/open.ts'
import { type Command, type Input, type Output, required, UsageError } from './command.ts'

export const copy: Command = {
  name: 'store copy',
  summary: 'Move a directory to another store, SQLite or PostgreSQL, and check what arrived',
  options: {
    from: { type: 'string', value: 'URL', required: true, help: 'The store to copy; nothing may serve it' },
    to: {
      type: 'string',
      value: 'URL',
      required: true,
      help: 'An empty store; a missing SQLite file is made',
    },
  },
  async run(input) {
    const from = await openAt(input, 'from', false)
    try {
      const to = await openAt(input, 'to', true)
      try {
        // Where commits are blocks there may be no entry without one.
        await from.store.sealAudit()
        const rows = await copyDirectory(from.store, to.store)
        return describe(rows, await check(from, to, rows))
      } finally {
        await to.store.close()
      }
    } finally {
      await from.store.close()
    }
  },
}

/** The directory at the URL of an option, taken as a server would take it: of a SQLite file there can be only one. */
async function openAt(input: Input, option: string, create: boolean): Promise<Directory> {
  const { databaseAllowDataLoss: allowDataLoss } = input.config
  const store = await openStore(readUrl(input, option), {
    serving: true,
    patient: true,
    create,
    allowDataLoss,
  })
  try {
    return newDirectory({
      store,
      sealer: newSealer(loadMasterKeys(input.config, false)),
      platform: '',
      ownerForms: new Map(),
    })
  } catch (error) {
    await store.close()
    throw error
  }
}

function readUrl(input: Input, option: string): Config['databaseUrl'] {
  try {
    return parseDatabaseUrl(required(input, option))
  } catch (error) {
    throw new UsageError(`--${option} ${(error as Error).message}`)
  }
}

/** What was found out about a copy. */
interface Verdict {
  /** What is not in it is in the original, in words. */
  readonly problems: readonly string[]
  /** How many faults the audit logs of both have. */
  readonly auditFaults: number
}

async function check(from: Directory, to: Directory, copied: RowCounts): Promise<Verdict> {
  const counts: Record<string, number> = await to.store.read(countRows)
  const lost = Object.entries(copied)
    .filter(([table, rows]) => counts[table] !== rows)
    .map(([table, rows]) => `${table} has ${counts[table]} rows, and had ${rows}`)
  const [original, audit] = [await verifyAudit(from), await verifyAudit(to)]
  const same =
    audit.head.hash === original.head.hash && audit.faults.length === original.faults.length
      ? []
      : ['the audit log is not that of the original']
  const { unopened } = await checkSecrets(to)
  const sealed = unopened.map((identity) => `the secret of ${identity} cannot be opened with the master key`)
  return { problems: [...lost, ...same, ...sealed], auditFaults: audit.faults.length }
}

function describe(rows: RowCounts, { problems, auditFaults }: Verdict): Output {
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0)
  const damaged =
    auditFaults > 0
      ? [
          `The audit log was damaged before, and is as it was: usher audit verify names ${auditFaults} faults.`,
        ]
      : []
  const summary =
    problems.length === 0
      ? `Copied ${total} rows. The counts, the audit log and all secrets have been checked.`
      : `Copied ${total} rows, but the copy is not good: do not use it.`
  return {
    json: { rows, problems, auditFaults },
    text: [...problems, ...damaged, summary].join('\n'),
    failed: problems.length > 0,
  }
}
