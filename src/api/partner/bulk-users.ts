import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Directory } from '../../directory/directory.ts'
import { applyBulkRows, type BulkCall, beginBulk, endBulk } from '../../directory/imports/bulk.ts'
import { readJsonRows } from '../../directory/imports/json-rows.ts'
import { Type } from '../../json-schema.ts'
import type { Context } from '../../model/context.ts'
import { ROW_STATUSES, type RowResult } from '../../model/imports.ts'
import { newUnreadableRow, type PersonRow } from '../../model/person-rows.ts'
import { OverloadedError } from '../bodies.ts'
import { NDJSON_TYPE } from '../line-body.ts'
import { lineRoute } from '../line-route.ts'
import type { Route } from '../route.ts'
import { BulkHeaders, CustomerParams, failures, ResellerQuery } from './schemas.ts'

/** The most lines of one call. */
const MAX_LINES = 100_000
/** The lines of one commit: few, because other calls wait for it. */
const TOGETHER = 200
/** How many calls one process runs at a time. */
const MAX_RUNNING = 4

/** The bulk calls of one server. */
export const bulkRoutes: readonly Route<Directory>[] = [
  (dir) => {
    let running = 0
    return lineRoute({
      operation: 'ImportUsers',
      subject: { organization: 'customerId', reseller: 'resellerId' },
      method: 'POST',
      url: '/customer/:customerId/users/bulk',
      document: {
        operationId: 'ImportUsers',
        tags: ['Users'],
        ours: true,
        summary: 'Create or change many Users of a Customer',
        description: DESCRIPTION,
      },
      schemas: { headers: BulkHeaders, params: CustomerParams, querystring: ResellerQuery },
      responses: { 200: LINES, ...failures },
      async handle({ ctx, params, query, lines }, _: Directory) {
        if (running >= MAX_RUNNING) throw new OverloadedError()
        running++
        const target = {
          organizationId: params.customerId,
          kind: 'customer',
          isOnly: true,
          resellerId: query.resellerId ?? null,
        } as const
        const leave = (): void => {
          running--
        }
        try {
          const call = await beginBulk(dir, ctx, target)
          return { headers: { 'X-Import-Id': call.id }, lines: run(dir, ctx, { call, lines, leave }) }
        } catch (error) {
          leave()
          throw error
        }
      },
    })(dir)
  },
]

/** Applies the lines as they arrive. @param leave is called when the last line was applied, or the call has failed */
async function* run(
  dir: Directory,
  ctx: Context,
  { call, lines, leave }: { call: BulkCall; lines: AsyncIterable<Buffer>; leave: () => void },
): AsyncGenerator<string> {
  try {
    for await (const rows of cut(readJsonRows(lines))) {
      const results = await applyBulkRows(dir, ctx, { call, rows })
      yield results.map(toLine).join('')
      // Other requests come first.
      await nextTurn()
    }
    await endBulk(dir, ctx, call)
  } finally {
    leave()
  }
}

/** Returns rows in the numbers that one commit has. Too many lines end with one that says so. */
async function* cut(batches: AsyncIterable<PersonRow[]>): AsyncGenerator<PersonRow[]> {
  let waiting: PersonRow[] = []
  for await (const batch of batches) {
    for (const row of batch) {
      const isOver = row.line > MAX_LINES
      waiting.push(isOver ? newUnreadableRow(row.line, TOO_MANY) : row)
      if (waiting.length < TOGETHER && !isOver) continue
      yield waiting
      waiting = []
      if (isOver) return
    }
  }
  if (waiting.length > 0) yield waiting
}

const TOO_MANY = `and all that follow were not read: a call has at most ${MAX_LINES} lines; send them with another call`

function toLine({ line, status, id, issues }: RowResult): string {
  const errors = [...Map.groupBy(issues, ({ path }) => path)].map(([propertyName, of]) => ({
    propertyName,
    description: of.map(({ message }) => message),
  }))
  return `${JSON.stringify({ line, status, ...(id !== null && { id }), ...(errors.length > 0 && { errors }) })}\n`
}

const DESCRIPTION =
  'Ours. Each line of the request is a user as in the body of CreateUser; each line of the response says what became ' +
  'of it. A user with a new `email` is created, a deleted one brought back, any other changed: members that a line does ' +
  'not have stay as they are. `groups` may hold names, too. A line that is wrong or in conflict changes nothing, and ' +
  'does not affect the others. Lines are committed some at a time, in their order; after a failure, send the request ' +
  `again: lines that are done are \`unchanged\` then. A request has at most ${MAX_LINES} lines of 16 KiB, and must ` +
  'arrive within 30 s. `X-Import-Id` names the call for `usher import undo`.'

const LINES = {
  description: 'What became of each line, one JSON object a line.',
  content: {
    [NDJSON_TYPE]: {
      schema: Type.Object({
        line: Type.Integer({ description: 'The number of the line in the request, from 1.' }),
        status: Type.Unsafe<RowResult['status']>({ type: 'string', enum: [...ROW_STATUSES] }),
        id: Type.Optional(Type.String({ format: 'uuid', description: 'The id of the user.' })),
        errors: Type.Optional(
          Type.Array(
            Type.Object({
              propertyName: Type.String(),
              description: Type.Array(Type.String()),
            }),
          ),
        ),
      }),
    },
  },
}
