import type { Static } from 'typebox'
import { type AuditLogEntry, listAuditLogs } from '../../directory/audit-logs.ts'
import type { Directory } from '../../directory/directory.ts'
import { Type } from '../../json-schema.ts'
import type { AuditValue, LogStatus } from '../../model/audit.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { toUtc } from '../../model/times.ts'
import { type Route, route } from '../route.ts'
import { toChangedMember } from './names.ts'
import { PageOf, pageQuery, toEnvelope, toPageRequest } from './paging.ts'
import { failures, Headers, nullable, Responds, uuid } from './schemas.ts'

/** The wire's names of statuses. One is misspelt in the contract. */
const STATUSES = ['Processing', 'Succeded', 'Failed'] as const
type WireStatus = (typeof STATUSES)[number]

function toWireStatus(status: LogStatus): WireStatus {
  return status === 'Succeeded' ? 'Succeded' : status
}

/** @param status one of STATUSES, in any letter case */
function fromWireStatus(status: string): LogStatus {
  const found = STATUSES.find((one) => one.toLowerCase() === status.toLowerCase())
  return found === undefined || found === 'Succeded' ? 'Succeeded' : found
}

const time = (description: string) => Type.Optional(Type.String({ format: 'date-time', description }))
const part = (description: string) =>
  Type.Optional(Type.String({ format: 'text', maxLength: MAX_TEXT, description }))

/** The most characters of the names of operations. */
const MAX_OPERATIONS = 2_000

const { pageNumber: PageNumber, pageSize: PageSize } = pageQuery

const AuditLogQuery = Type.Object({
  PageNumber,
  PageSize,
  StartDate: time('The start of the interval. One month before its end when absent.'),
  EndDate: time('The end of the interval. Now when absent.'),
  Operations: Type.Optional(
    Type.String({
      format: 'text',
      maxLength: MAX_OPERATIONS,
      description: 'Names of operations, with a vertical bar between them. Compared without case.',
      examples: ['CreateUser|UpdateUser'],
    }),
  ),
  Status: Type.Optional(
    Type.String({
      pattern:
        '^([Pp][Rr][Oo][Cc][Ee][Ss][Ss][Ii][Nn][Gg]|[Ss][Uu][Cc][Cc][Ee][Dd][Ee][Dd]|[Ff][Aa][Ii][Ll][Ee][Dd])$',
      title: 'Processing, Succeded or Failed',
      description: '`Processing`, `Succeded` (spelt so) or `Failed`. Compared without case.',
      examples: ['Processing'],
    }),
  ),
  Reseller: part('A part of the name of the reseller, compared without case.'),
  Customer: part('A part of the name of the customer, compared without case.'),
  resellerId: Type.Optional(
    uuid(
      "GUID Unique identifier for the reseller: shows the logs as that reseller sees them. A reseller's own is implied.",
    ),
  ),
})

const AuditLogViewModel = Type.Object(
  {
    id: uuid('The id of the entry.'),
    timestamp: Type.String({ format: 'date-time', description: 'When it happened, in UTC.' }),
    operation: Type.String({ description: 'The name of the operation.' }),
    status: Type.Unsafe<WireStatus>({
      type: 'string',
      enum: [...STATUSES],
      description:
        'That of an entry about an account is worked out when it is read: `Processing` until the platform has the ' +
        'change, `Failed` while Usher tries it rarely because it failed too often.',
    }),
    correlationId: Type.String({ description: 'The correlation id of the request.' }),
    user: Type.Object(
      {
        kind: Type.Unsafe<'client' | 'person' | 'operator'>({
          type: 'string',
          enum: ['client', 'person', 'operator'],
          description: 'A program, a person, or the command line of the provider.',
        }),
        id: nullable('The id of the caller; null for the operator.'),
        name: nullable('The current name of the caller. Null for the operator and for an erased person.'),
      },
      { description: 'Who did it. A reseller sees the kind alone of callers that are not its own.' },
    ),
    resellerId: nullable('The reseller in whose context it happened; null for none.', 'uuid'),
    resellerName: nullable('Its current name.'),
    customerId: nullable('The customer that it was about; null for none.', 'uuid'),
    customerName: nullable('Its current name.'),
    description: Type.String({ description: 'What came of it: the outcome, or the reason of a refusal.' }),
    targetId: nullable('Ours: the id of what was changed, for example of the user.'),
    changes: Type.Array(
      Type.Object({
        propertyName: Type.String({ description: 'The name of the member.' }),
        before: Type.Unsafe<AuditValue>({
          description: 'The value before; null for none, and of an erased person.',
        }),
        after: Type.Unsafe<AuditValue>({
          description: 'The value after; null for none, and of an erased person.',
        }),
      }),
      { description: 'Ours: the changed members, before and after; none for a create.' },
    ),
  },
  {
    title: 'AuditLogViewModel',
    description: 'One entry of the audit log.',
    examples: [
      {
        id: '01932d3e-7f4a-7c1e-9d55-2f6a8f0b1c2d',
        timestamp: '2026-11-22T08:00:00.000Z',
        operation: 'UpdateUser',
        status: 'Succeded',
        correlationId: 'dc1b5c3e-1d5a-4f0e-9f4e-6a1f0b7c2d3e',
        user: { kind: 'client', id: '01932d3e-0b7e-7f52-8a4e-5a1d3a9c7e10', name: 'Billing' },
        resellerId: null,
        resellerName: null,
        customerId: '01932d3e-0b7e-7f52-8a4e-5a1d3a9c7e11',
        customerName: 'Contoso',
        description: 'updated',
        targetId: '01932d3e-0b7e-7f52-8a4e-5a1d3a9c7e12',
        changes: [{ propertyName: 'firstName', before: 'Ada', after: 'Augusta' }],
      },
    ],
  },
)

/** The route of the audit log. */
export const auditLogRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'ListAuditLogs',
    method: 'GET',
    url: '/AuditLogs',
    document: {
      operationId: 'ListAuditLogs',
      tags: ['Audit logs'],
      summary: 'List Audit Logs',
      description:
        'Lists the audit logs, newest first. Available to the roles csp and reseller. `totalCount` is exact for filters ' +
        'by time and operation, except for some minutes after an import of very many users. Other filters count up to ' +
        '10,000 matching entries. Otherwise it is a lower bound, and `hasNextPage` says whether there are more.',
    },
    schemas: { headers: Headers, querystring: AuditLogQuery },
    responses: { 200: Responds(PageOf(AuditLogViewModel), 'OK: the entries of the page.'), ...failures },
    async handle({ ctx, query }, dir) {
      const { PageNumber: pageNumber, PageSize: pageSize, StartDate, EndDate, Operations, Status } = query
      const paging = { ...(pageNumber && { pageNumber }), ...(pageSize && { pageSize }) }
      const page = await listAuditLogs(dir, ctx, {
        from: StartDate && toUtc(StartDate),
        to: EndDate && toUtc(EndDate),
        operations: Operations ? Operations.split('|').filter((name) => name !== '') : undefined,
        status: Status === undefined ? undefined : fromWireStatus(Status),
        resellerName: query.Reseller,
        customerName: query.Customer,
        resellerId: query.resellerId,
        page: toPageRequest(paging),
      })
      return { status: 200, body: toEnvelope(page, paging, toViewModel) }
    },
  }),
]

function toViewModel(entry: AuditLogEntry): Static<typeof AuditLogViewModel> {
  return {
    id: entry.id,
    timestamp: entry.at,
    operation: entry.operation,
    status: toWireStatus(entry.status),
    correlationId: entry.correlationId,
    user: { kind: entry.caller.kind, ...entry.user },
    resellerId: entry.reseller,
    resellerName: entry.resellerName,
    customerId: entry.customer,
    customerName: entry.customerName,
    description: entry.outcome,
    targetId: entry.target,
    changes: entry.changes.map(({ name, before, after }) => ({
      propertyName: toChangedMember(entry.operation, name),
      before,
      after,
    })),
  }
}
