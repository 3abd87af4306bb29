import { Type } from '../../../json-schema.ts'
import { Entry } from './entries.ts'
import { listQuery, nullable, oneOf, time, uuid } from './parts.ts'

/** What lists and exports are narrowed by. */
const filters = {
  operation: Type.Optional(
    Type.String({ format: 'text', maxLength: 100, description: 'Only this operation, in any case.' }),
  ),
  status: Type.Optional(oneOf(['Succeeded', 'Failed', 'Processing'], 'Only entries with this status.')),
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
  answer: Type.Object({
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
  query: Type.Object(filters),
  answer: Type.Unsafe<string>({
    description: 'One JSON object a line.',
    content: { 'application/x-ndjson': { schema: Entry } },
  }),
} as const
