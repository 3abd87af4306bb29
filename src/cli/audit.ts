import { listAudit, verifyAudit } from '../directory/audit.ts'
import { formatCaller } from '../model/context.ts'
import { type Command, choice, count, table, UsageError, withDirectory } from './command.ts'

export const list: Command = {
  name: 'audit list',
  summary: 'List what was done or refused, the newest first',
  options: {
    operation: { type: 'string', value: 'NAME', help: 'Only this operation, for example CreateUser' },
    status: { type: 'string', value: 'STATUS', help: 'Only Succeeded or Failed' },
    caller: {
      type: 'string',
      value: 'CALLER',
      help: "Only entries of this caller: a client's id, person:ID, or operator for the command line",
    },
    organization: { type: 'string', value: 'ID', help: 'Only what was done to this organization' },
    target: { type: 'string', value: 'ID', help: 'Only what was done to this user, tenant or other thing' },
    'correlation-id': { type: 'string', value: 'ID', help: 'Only what this request did' },
    since: { type: 'string', value: 'TIME', help: 'Only what was done at or after this time (ISO 8601)' },
    before: {
      type: 'string',
      value: 'NUMBER',
      help: 'Only entries before the one with this number: the next page',
    },
    limit: { type: 'string', value: 'N', help: 'At most so many; 100 when left out' },
  },
  run: (input) =>
    withDirectory(input.config, async (dir) => {
      const entries = await listAudit(dir, {
        operation: input.text('operation'),
        status: choice(input, 'status', ['Succeeded', 'Failed']),
        caller: input.text('caller'),
        organization: input.text('organization'),
        target: input.text('target'),
        correlationId: input.text('correlation-id'),
        since: readTime(input.text('since')),
        before:
          input.text('before') === undefined ? undefined : count(input, 'before', 0, Number.MAX_SAFE_INTEGER),
        limit: count(input, 'limit', 100, 1_000_000),
      })
      return {
        json: entries.map((entry) => ({ ...entry, caller: formatCaller(entry.caller) })),
        text: table(
          ['NUMBER', 'AT', 'OPERATION', 'STATUS', 'OUTCOME', 'CALLER', 'TARGET', 'CHANGED'],
          entries.map((entry) => [
            String(entry.number),
            entry.at,
            entry.operation,
            entry.status,
            entry.outcome,
            formatCaller(entry.caller),
            entry.target,
            entry.changedFields.join(','),
          ]),
        ),
      }
    }),
}

function readTime(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const time = new Date(text)
  if (Number.isNaN(time.getTime()))
    throw new UsageError(`--since must be a time such as 2026-11-22T08:00:00Z, not '${text}'`)
  return time.toISOString()
}

export const verify: Command = {
  name: 'audit verify',
  summary: 'Check that no entry of the audit log was changed, removed or moved',
  run: (input) =>
    withDirectory(input.config, async (dir) => {
      const verdict = await verifyAudit(dir)
      const { entries, blocks, unsealed, head, faults } = verdict
      const facts = `${entries} entries in ${blocks} blocks, ${unsealed} not sealed yet; the newest block is ${head.block}, ${head.hash}`
      const lines = faults.map(({ block, position, entry, fault }) => {
        const where = position === null ? `block ${block}` : `block ${block}, position ${position}`
        return `${where}${entry ? `, entry ${entry}` : ''}: ${FAULTS[fault]}`
      })
      const text =
        faults.length === 0
          ? `The audit log is whole: ${facts}.`
          : [...lines, `The audit log is damaged: ${facts}.`].join('\n')
      return { json: { whole: faults.length === 0, ...verdict }, text, failed: faults.length > 0 }
    }),
}

const FAULTS = {
  changed: 'is not what was written',
  removed: 'is missing',
  moved: 'was put in or moved after the block was sealed',
  added: 'was put in after the block was sealed',
  block_changed: 'does not match its seal',
  block_removed: 'is missing',
} as const
