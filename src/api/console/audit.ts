import type { Static } from 'typebox'
import { type Delimiter, toCsvLine } from '../../csv.ts'
import type { DescribedEntry } from '../../directory/audit-entries.ts'
import { type AuditWalkRequest, exportAuditLogs, walkAuditLogs } from '../../directory/audit-walks.ts'
import type { Directory } from '../../directory/directory.ts'
import {
  beginVerification,
  getVerification,
  type Verification,
  type VerificationRun,
} from '../../directory/verification.ts'
import { toUtc } from '../../model/times.ts'
import { NDJSON_TYPE } from '../line-body.ts'
import type { Route } from '../route.ts'
import { AUDIT_COLUMNS, toAuditCells } from './audit-cells.ts'
import * as contract from './contract/audit.ts'
import { toEntry } from './entries.ts'
import { serveLines } from './lines.ts'
import { serve } from './operation.ts'
import { readPage, toNext } from './paging.ts'

/** What the operations on the audit log need. */
export interface AuditParts {
  readonly dir: Directory
}

/** The operations on the audit log. */
export const auditRoutes: readonly Route<AuditParts>[] = [
  serve(contract.listAudit, async ({ ctx, query }, { dir }: AuditParts) => {
    const { after, limit, ...asked } = query
    const filters = { audit: [ctx.organization.id, asked] }
    const page = readPage(
      { ...(after !== undefined && { after }), ...(limit !== undefined && { limit }) },
      filters,
      ['text', 'number'],
    )
    const { items, next, partial } = await walkAuditLogs(dir, ctx, {
      ...toRequest(asked),
      limit: page.limit,
      after: page.after && { at: String(page.after[0]), number: Number(page.after[1]) },
    })
    return { items: items.map(toEntry), next: toNext(next && [next.at, next.number], filters), partial }
  }),
  serveLines(
    contract.exportAudit,
    ({ ctx, query: { format = 'ndjson', delimiter, ...asked } }, { dir }: AuditParts) => ({
      headers: {
        'content-type': `${MEDIA_TYPES[format]}; charset=utf-8`,
        'content-disposition': `attachment; filename="usher-audit.${format}"`,
      },
      lines: FORMATS[format](exportAuditLogs(dir, ctx, toRequest(asked)), delimiter),
    }),
  ),
  serve(contract.getVerification, async ({ ctx }, { dir }: AuditParts) =>
    toVerification(await getVerification(dir, ctx)),
  ),
  serve(contract.beginVerification, async ({ ctx }, { dir }: AuditParts) =>
    toVerification(await beginVerification(dir, ctx)),
  ),
]

function toVerification({ running, last }: Verification): Static<typeof contract.getVerification.response> {
  return {
    running: running && {
      ...toRun(running),
      ...{ done: running.job.done, total: running.job.total, error: running.job.error },
      state: running.job.state === 'waiting' ? 'waiting' : 'running',
    },
    last: last && {
      ...toRun(last),
      ...{ endedAt: last.job.endedAt ?? last.job.createdAt, error: last.job.error },
      verdict: last.verdict && toVerdict(last.verdict),
    },
  }
}

function toRun({ job: { caller, createdAt }, user }: VerificationRun) {
  const id = user?.id ?? null
  return { caller: { kind: caller.kind, id, name: user?.name ?? null }, createdAt }
}

function toVerdict({ faults, ...verdict }: NonNullable<NonNullable<Verification['last']>['verdict']>) {
  return {
    ...verdict,
    whole: verdict.faultCount === 0,
    faults: faults.map((fault) => ({ ...fault, through: fault.through ?? null })),
  }
}

function toRequest(
  query: Omit<Static<typeof contract.exportAudit.query>, 'format' | 'delimiter'>,
): Omit<AuditWalkRequest, 'after' | 'limit'> {
  const { operation, status, outcome, caller, target, organization, customer, since, until } = query
  return {
    ...{ from: since && toUtc(since), to: until && toUtc(until), status, customerName: customer },
    ...{ outcome, caller, target, organizationId: organization },
    operations: operation === undefined ? undefined : [operation],
  }
}

type Pages = AsyncIterable<readonly DescribedEntry[]>

const MEDIA_TYPES = { ndjson: NDJSON_TYPE, csv: 'text/csv' } as const
const FORMATS = { ndjson: toJsonLines, csv: toCsvLines } as const

async function* toJsonLines(pages: Pages): AsyncGenerator<string> {
  for await (const entries of pages)
    yield entries.map((entry) => `${JSON.stringify(toEntry(entry))}\n`).join('')
}

async function* toCsvLines(pages: Pages, delimiter?: Delimiter): AsyncGenerator<string> {
  const toLine = (cells: readonly string[]) => toCsvLine(cells, delimiter)
  // Not before the first entries are read: a refused export has no lines. The mark tells Excel that it is UTF-8.
  let heading = `\uFEFF${toLine(AUDIT_COLUMNS)}`
  for await (const entries of pages) {
    yield heading + entries.map((entry) => toLine(toAuditCells(toEntry(entry)))).join('')
    heading = ''
  }
  if (heading !== '') yield heading
}
