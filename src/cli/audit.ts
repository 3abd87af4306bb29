import { type Command, InvalidArgumentError } from 'commander'
import { exportAudit, listAudit, type OpenedEntry, verifyAudit } from '../directory/audit.ts'
import type { OpenedChange } from '../directory/sealing/person-keys.ts'
import { escapeJson } from '../escape.ts'
import type { AuditFaultKind } from '../model/audit-faults.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import type { AuditFault, AuditHead, AuditVerdict } from '../store/port.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { LIMIT, newChoice, parseNumber, parseTime } from './options.ts'
import { OutputError, writeOutput } from './output.ts'
import { cutPage, describeMore } from './pages.ts'
import { formatTable } from './table.ts'

/** `usher audit`: the audit log. */
export function defineAudit(audit: Command, session: Session): void {
  audit
    .command('list')
    .description('List audit entries, newest first')
    .option('--operation <name>', 'List only this operation, for example CreateUser')
    .addOption(
      newChoice('--status <status>', 'List only operations with this result', ['Succeeded', 'Failed']),
    )
    .option(
      '--caller <caller>',
      "List only this caller: a client's id, person:ID, or operator for the command line",
    )
    .option('--organization <id>', 'List only operations on this organization')
    .option('--target <id>', 'List only operations on this user, tenant or other object')
    .option('--correlation-id <id>', 'List only entries of this request')
    .option('--since <time>', 'List only entries since this time (ISO 8601)', parseTime)
    .option('--before <number>', 'Next page: list only entries before the one with this number', parseNumber)
    .option(...LIMIT, 100)
    .action(action(session, (options: ListOptions) => list(session, options)))
  audit
    .command('export')
    .description('Write audit entries to standard output as NDJSON: one JSON object a line, oldest first')
    .option('--since <time>', 'Only entries since this time (ISO 8601)', parseTime)
    .option('--until <time>', 'Only entries before this time (ISO 8601)', parseTime)
    .action(action(session, (options: ExportOptions) => exportLog(session, options)))
  audit
    .command('verify')
    .description('Check that no audit entry was changed, removed or moved')
    .option(
      '--expect <number:hash>',
      'Check also that the log has this block, which an earlier check or the log of the server has named',
      parseHead,
    )
    .action(action(session, (options: VerifyOptions) => verify(session, options)))
}

interface ListOptions {
  readonly operation?: string
  readonly status?: 'Succeeded' | 'Failed'
  readonly caller?: string
  readonly organization?: string
  readonly target?: string
  readonly correlationId?: string
  readonly since?: string
  readonly before?: number
  readonly limit: number
}

function list(session: Session, options: ListOptions): Promise<Output> {
  const { operation, status, caller, organization, target, correlationId, since, before, limit } = options
  const filter = { operation, status, caller, organization, target, correlationId, since, before, limit }
  return withDirectory(session, async ({ dir, ctx }) => {
    const { items: entries, more } = cutPage(
      await listAudit(dir, ctx, { ...filter, limit: limit + 1 }),
      limit,
    )
    const json = entries.map(toJson)
    const rows = json.map((entry) => [
      ...[String(entry.number), entry.at, entry.operation, entry.status, entry.outcome],
      ...[entry.caller, entry.address, entry.target, entry.changedFields.join(',')],
    ])
    const note = more ? describeMore(limit, `--before ${entries.at(-1)?.number}`) : undefined
    return { json, lines: formatTable(HEADINGS, rows), note }
  })
}

interface ExportOptions {
  readonly since?: string
  readonly until?: string
}

/** Writes the pages as they are read, so that a log of any length needs little memory. */
function exportLog(session: Session, { since, until }: ExportOptions): Promise<undefined> {
  return withDirectory(session, async ({ dir, ctx }) => {
    try {
      for await (const page of exportAudit(dir, ctx, { since, until })) {
        const lines = page.map((entry) => `${escapeJson(JSON.stringify(toJson(entry)))}\n`)
        await writeOutput(session.io.stdout, lines.join(''))
      }
    } catch (error) {
      // A reader such as `head` has enough.
      if (!(error instanceof OutputError && error.isClosed)) throw error
    }
    return undefined
  })
}

/** Converts an entry to JSON, for programs. */
function toJson({ caller, changes, ...entry }: OpenedEntry) {
  return { ...entry, caller: formatCaller(caller), ...(changes && { changes: toJsonChanges(changes) }) }
}

/** Converts changes to an object with a member for each of them. For lists of ids, it also names what differs. */
function toJsonChanges(changes: readonly OpenedChange[]): Readonly<Record<string, object>> {
  return Object.fromEntries(
    changes.map(({ name, before, after, ...rest }) => {
      if (!Array.isArray(before) || !Array.isArray(after)) return [name, { before, after, ...rest }]
      const [old, now] = [new Set(before), new Set(after)]
      const [added, removed] = [after.filter((id) => !old.has(id)), before.filter((id) => !now.has(id))]
      return [name, { before, after, added, removed }]
    }),
  )
}

const HEADINGS = 'NUMBER AT OPERATION STATUS OUTCOME CALLER ADDRESS TARGET CHANGED'.split(' ')

interface VerifyOptions {
  readonly expect?: AuditHead
}

/**
 * Parses a block and its hash, as `audit verify` and the log of the server show them.
 * @throws {InvalidArgumentError}
 */
function parseHead(text: string): AuditHead {
  const [, number, hash] = /^([1-9]\d{0,14}):([\w-]{43})$/.exec(text) ?? []
  if (number === undefined || hash === undefined)
    throw new InvalidArgumentError('It must be the number and the hash of a block, such as 12:mW3…')
  return { block: Number(number), hash }
}

function verify(session: Session, { expect }: VerifyOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const verdict = await verifyAudit(dir, ctx, expect)
    const { faults, faultCount } = verdict
    const whole = faultCount === 0
    const rest = faultCount > faults.length ? [`and ${faultCount - faults.length} more faults`] : []
    const facts = describeLog(verdict)
    const lines = whole
      ? [`The audit log is intact: ${facts}.`]
      : [...faults.map(describeFault), ...rest, `The audit log is damaged: ${facts}.`]
    return { json: { whole, ...verdict }, lines, failed: !whole }
  })
}

function describeLog({ entries, blocks, unsealed, head, keyedFrom }: AuditVerdict): string {
  const counts = `${entries} entries in ${blocks} blocks, ${unsealed} not sealed yet`
  const keyed =
    keyedFrom === null
      ? 'the hashes of blocks were not checked'
      : `hashes are HMACs from block ${keyedFrom} on`
  return `${counts}; ${keyed}; the newest block is ${head.block}:${head.hash}`
}

function describeFault({ block, position, through, entry, fault }: AuditFault): string {
  if (fault === 'block_removed' && through !== undefined) return `blocks ${block} to ${through}: are missing`
  if (block === 0 && entry === null) return FAULTS[fault]
  const last = through === undefined ? '' : ` to ${through}`
  const place = position === null ? `block ${block}` : `block ${block}, position ${position}${last}`
  return `${place}${entry === null ? '' : `, entry ${entry}`}: ${FAULTS[fault]}`
}

/** The texts for the faults of an audit log. Those of a place follow it. */
const FAULTS: Readonly<Record<AuditFaultKind, string>> = {
  changed: 'was changed after it was written',
  removed: 'is missing',
  moved: 'was inserted or moved after the block was sealed',
  added: 'was inserted after the block was sealed',
  block_changed: 'does not match its seal',
  block_removed: 'is missing',
  block_impossible: 'there are blocks with numbers that no block can have',
  not_expected: 'is missing or has another hash than the expected one',
  log_empty: 'the log is empty, although the directory is set up',
  start_removed: 'the log does not begin with the set-up of the directory',
  key_missing: 'the audit key is missing, so the hashes of blocks cannot be checked',
  key_unreadable: 'the master key does not open the audit key, so the hashes of blocks cannot be checked',
}
