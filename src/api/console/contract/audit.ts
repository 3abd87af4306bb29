import { Type } from '../../../json-schema.ts'
import { LOG_STATUSES } from '../../../model/audit.ts'
import { AUDIT_FAULTS } from '../../../model/audit-faults.ts'
import { Entry } from './entries.ts'
import { CallerRef, listOf, listQuery, nullable, nullableOf, oneOf, time, uuid } from './parts.ts'

/** What lists and exports are narrowed by. */
const filters = {
  operation: Type.Optional(
    Type.String({ format: 'text', maxLength: 100, description: 'Only this operation, in any case.' }),
  ),
  status: Type.Optional(oneOf(LOG_STATUSES, 'Only entries with this status.')),
  outcome: Type.Optional(
    Type.String({ format: 'text', maxLength: 100, description: 'Only entries with this outcome.' }),
  ),
  caller: Type.Optional(
    Type.String({
      pattern: '^(operator|[0-9a-fA-F-]{36})$',
      title: 'the id of a client or a person, or operator',
      description: 'Only calls of this client or person, or of the command line: `operator`.',
    }),
  ),
  target: Type.Optional(
    Type.String({
      format: 'text',
      maxLength: 255,
      description: 'Only entries about this id or access key.',
    }),
  ),
  organization: Type.Optional(uuid('Only entries about this organization.')),
  customer: Type.Optional(
    Type.String({ format: 'text', maxLength: 255, description: "A part of the customer's name." }),
  ),
  since: Type.Optional(time('Only entries from this time on (default: a month before `until`).')),
  until: Type.Optional(time('Only entries up to this time (default: now).')),
} as const

/** The audit log. */
export const listAudit = {
  method: 'GET',
  path: '/audit',
  operation: 'ListAuditLogs',
  tag: 'Audit',
  summary: 'Entries of the audit log that the person may see, newest first',
  query: Type.Object({
    ...filters,
    ...listQuery,
  }),
  response: Type.Object({
    items: Type.Array(Entry),
    next: nullable('Where the next page begins; null on the last page.'),
    partial: Type.Boolean({
      description: 'Whether Usher stopped looking before the page was full; `next` goes on.',
    }),
  }),
} as const

/** The audit log as a file. */
export const exportAudit = {
  method: 'GET',
  path: '/audit/export',
  operation: 'ExportAudit',
  tag: 'Audit',
  summary:
    'All entries that the list has with the same filters, newest first, as a file. The export is audited',
  query: Type.Object({
    ...filters,
    format: Type.Optional(
      oneOf(['ndjson', 'csv'], 'Lines of JSON, or a table for a spreadsheet (default: ndjson).'),
    ),
    delimiter: Type.Optional(
      oneOf(['comma', 'semicolon'], 'What separates the cells of a table (default: comma).'),
    ),
  }),
  response: Type.Unsafe<string>({
    description: 'One JSON object a line, or one entry a line below a heading: CSV of RFC 4180 in UTF-8.',
    content: {
      'application/x-ndjson': { schema: Entry },
      'text/csv': { schema: Type.String({ description: 'The entries as a table.' }) },
    },
  }),
} as const

const nullableCount = (description: string) =>
  Type.Unsafe<number | null>({ type: ['integer', 'null'], description })

const Run = {
  caller: CallerRef,
  createdAt: time('When it was begun.'),
}

const Verdict = Type.Object({
  whole: Type.Boolean({ description: 'Whether there is no fault.' }),
  entries: Type.Integer({ description: 'How many entries the log has.' }),
  blocks: Type.Integer({ description: 'How many blocks it has.' }),
  unsealed: Type.Integer({ description: 'How many of the entries are in no block yet.' }),
  head: Type.Object(
    {
      block: Type.Integer({ description: 'The number.' }),
      hash: Type.String({ description: 'The hash.' }),
    },
    { description: 'The newest block, as `usher audit verify --expect` takes it.' },
  ),
  keyedFrom: nullableCount('The first block whose hash is an HMAC; null if the audit key is missing.'),
  faultCount: Type.Integer({ description: 'How many faults there are.' }),
  faults: listOf(
    Type.Object({
      block: Type.Integer({ description: 'The block; 0 for the whole log.' }),
      position: nullableCount('The place of the entry in the block; null if the fault is that of the block.'),
      through: nullableCount('The last of several missing blocks or places; null for one.'),
      entry: nullable('The id of the entry; null if it is missing.'),
      fault: oneOf(AUDIT_FAULTS, 'What is wrong.'),
    }),
    'The first faults, at most 100.',
  ),
})

const Verification = Type.Object(
  {
    running: nullableOf(
      Type.Object({
        ...Run,
        state: oneOf(['waiting', 'running'], 'Whether it has begun.'),
        done: Type.Integer({ description: 'How many blocks are checked.' }),
        total: nullableCount('How many blocks there were when it was begun.'),
        error: nullable('Why the last step failed; it is repeated. Null if it did not fail.'),
      }),
      'The verification that runs; null for none.',
    ),
    last: nullableOf(
      Type.Object({
        ...Run,
        endedAt: time('When it ended.'),
        error: nullable('Why it could not be ended; null if it could.'),
        verdict: nullableOf(Verdict, 'What it found; null if it could not be ended.'),
      }),
      'The last verification that ended, of the last 90 days; null for none.',
    ),
  },
  { title: 'Verification' },
)

/** The last result of a verification. */
export const getVerification = {
  method: 'GET',
  path: '/audit/verification',
  operation: 'VerifyAudit',
  tag: 'Audit',
  summary: 'The last result of a verification of the audit log, and how far a running one is',
  response: Verification,
} as const

/** Beginning a verification. */
export const beginVerification = {
  method: 'POST',
  path: '/audit/verification',
  operation: 'VerifyAudit',
  tag: 'Audit',
  summary: 'Verify the chain of the audit log, as a job, unless it runs already',
  response: Verification,
  status: 202,
} as const
