import type { Command } from 'commander'
import { listAudit, verifyAudit } from '../directory/audit.ts'
import { formatCaller } from '../store/audit/entries.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { LIMIT, newChoice, parseNumber, parseTime } from './options.ts'
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
    .command('verify')
    .description('Check that no audit entry was changed, removed or moved')
    .action(action(session, () => verify(session)))
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
    const entries = await listAudit(dir, ctx, filter)
    const json = entries.map((entry) => ({ ...entry, caller: formatCaller(entry.caller) }))
    const rows = json.map((entry) => [
      ...[String(entry.number), entry.at, entry.operation, entry.status, entry.outcome],
      ...[entry.caller, entry.address, entry.target, entry.changedFields.join(',')],
    ])
    return { json, text: formatTable(HEADINGS, rows) }
  })
}

const HEADINGS = 'NUMBER AT OPERATION STATUS OUTCOME CALLER ADDRESS TARGET CHANGED'.split(' ')

function verify(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const verdict = await verifyAudit(dir, ctx)
    const { entries, blocks, unsealed, head, faults } = verdict
    const facts = `${entries} entries in ${blocks} blocks, ${unsealed} not sealed yet; the newest block is ${head.block}, hash ${head.hash}`
    const lines = faults.map(({ block, position, entry, fault }) => {
      const place = position === null ? `block ${block}` : `block ${block}, position ${position}`
      return `${place}${entry ? `, entry ${entry}` : ''}: ${FAULTS[fault]}`
    })
    const text =
      faults.length === 0
        ? `The audit log is intact: ${facts}.`
        : [...lines, `The audit log is damaged: ${facts}.`].join('\n')
    return { json: { whole: faults.length === 0, ...verdict }, text, failed: faults.length > 0 }
  })
}

/** The texts for the faults of an audit log. In the output each follows the place of the fault. */
const FAULTS = {
  changed: 'was changed after it was written',
  removed: 'is missing',
  moved: 'was inserted or moved after the block was sealed',
  added: 'was inserted after the block was sealed',
  block_changed: 'does not match its seal',
  block_removed: 'is missing',
} as const
