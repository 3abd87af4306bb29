import type { TARGET_KINDS } from '../../../src/model/audit.ts'
import type { AuditFaultKind } from '../../../src/model/audit-faults.ts'
import type { REQUEST_STEPS } from '../../../src/model/explain.ts'

/** The audit log, and one request. */
export const audit = {
  title: 'Audit log',
  about:
    'What was done, and what was refused. An entry says what is recorded in the directory; its status says whether the platform has it too.',
  columns: {
    time: 'Time',
    operation: 'Operation',
    status: 'Status',
    caller: 'By',
    outcome: 'Outcome',
    about: 'About',
    organization: 'Organization',
    changed: 'Changed',
  },
  without: 'Without the filter',
  target: 'About this id or access key',
  since: 'Range',
  until: 'Until',
  ranges: { day: 'last 24 hours', week: 'last 7 days', month: 'last 30 days' },
  statuses: { Succeeded: 'Succeeded', Failed: 'Failed', Processing: 'Processing' },
  callers: { client: 'client', person: '', operator: 'command line' },
  count: (count: number, hasMore: boolean) =>
    `${count}${hasMore ? '+' : ''} ${count === 1 && !hasMore ? 'entry' : 'entries'}`,
  nothing: 'There is no entry like this in the range.',
  things: { user: 'user', organization: 'organization', client: 'API client', key: 'key' } satisfies Record<
    (typeof TARGET_KINDS)[number],
    string
  >,
  export: (format: string) => `Export as ${format.toUpperCase()}`,
  /** What Excel expects between the cells of a CSV file. */
  delimiter: 'comma' as 'comma' | 'semicolon',
  chain: 'Chain of entries',
  verify: 'Verify the chain',
  verifying: (done: number, total: number | null) =>
    total === null ? `${done} blocks are checked` : `${done} of ${total} blocks are checked`,
  neverVerified: 'The chain was not verified in the last 90 days.',
  verifiedBy: (time: string, name: string) => `Last verified ${time} by ${name}`,
  notVerified: 'The verification could not be ended.',
  whole: 'No entry was changed, removed or moved.',
  damaged: (count: number) => (count === 1 ? 'The log has a fault.' : `The log has ${count} faults.`),
  checked: (entries: number, blocks: number, unsealed: number) =>
    `${entries} entries in ${blocks} blocks; ${unsealed} are in no block yet.`,
  head: 'Newest block:',
  moreFaults: (count: number) => `and ${count} more`,
  place: (block: number, through: number | null) =>
    through === null ? `block ${block}` : `block ${block}, up to ${through}`,
  faults: {
    changed: 'the entry was changed',
    removed: 'an entry is missing',
    moved: 'the entry was inserted or moved',
    added: 'the entry was inserted',
    block_changed: 'the block does not match its seal',
    block_removed: 'the block is missing',
    block_impossible: 'there are blocks with impossible numbers',
    not_expected: 'the block is missing or another one than expected',
    log_empty: 'the log is empty',
    start_removed: 'the log does not begin with the set-up of the directory',
    key_missing: 'the audit key is missing, so the hashes of blocks could not be checked',
    key_unreadable:
      'the master key does not open the audit key, so the hashes of blocks could not be checked',
  } satisfies Record<AuditFaultKind, string>,
  request: 'One request',
  copyLink: 'Copy link',
  print: 'Print',
  why: 'What became of it',
  done: 'It is recorded, and nothing is left to do on the platform.',
  notDone: {
    request_known: 'There is no such request.',
    request_permitted: 'It was refused: the caller was not allowed to do this.',
    request_accepted: 'It was refused: nothing was written.',
    request_applied: 'It is recorded, and not on the platform yet.',
  } satisfies Record<(typeof REQUEST_STEPS)[number], string>,
  entries: 'Recorded',
  moreEntries: 'The request has more entries: see the audit log.',
  attempts: 'On the platform',
  sealed: (block: number) => `Sealed by block ${block} of the audit log:`,
  notSealed: 'No block of the audit log seals it yet.',
  times: (count: number) => `${count} times`,
}
