import { basename } from 'node:path'
import type { LogStatus } from '../model/audit.ts'
import type { Hit, HitState } from '../model/find.ts'
import { foldId } from '../model/ids.ts'
import { selectEntriesOfRequest } from '../store/audit/requests.ts'
import { selectFoundOrganization } from '../store/find/organizations.ts'
import { selectImport } from '../store/tables/imports.ts'
import { toLogReader } from './audit-entries.ts'
import { findReachableJob } from './jobs/jobs.ts'
import { isReachable, type Scope } from './reach.ts'

/** The most entries of a request that are read to show it in a list. */
const ENTRIES = 50

/** Finds the job with an id, in reach as for `getJob`. */
export async function findJob(scope: Scope, id: string): Promise<Hit[]> {
  const job = await findReachableJob(scope, id)
  if (!job) return []
  const organization = await findOrganization(scope, job.organizationId)
  return [
    { ...NAMELESS, kind: 'job', id: job.id, name: job.kind, state: job.state, match: 'id', organization },
  ]
}

/** Finds the import with an id, for a caller who may list imports. */
export async function findImport(scope: Scope, id: string): Promise<Hit[]> {
  const found = await selectImport(scope.tx, scope.ctx.organization.providerPk, foldId(id))
  if (!found) return []
  const { file, endedAt, undoBeganAt } = found
  const state = undoBeganAt !== null ? 'undone' : endedAt !== null ? 'ended' : 'running'
  const name = file === null ? null : basename(file)
  const organization = await findOrganization(scope, found.organizationId)
  return [{ ...NAMELESS, kind: 'import', id: found.id, name, state, match: 'id', organization }]
}

/** Finds what a call did under its correlation id, as far as the caller may see it in the audit log. */
export async function findRequest(scope: Scope, correlationId: string): Promise<Hit[]> {
  const reader = toLogReader(scope.ctx)
  const entries = await selectEntriesOfRequest(scope.tx, reader, { correlationId, limit: ENTRIES })
  const [first] = entries
  if (!first) return []
  const state = toState(entries.map(({ status }) => status))
  const organization = await findOrganization(scope, first.customer ?? first.reseller ?? first.organization)
  const { operation: name, correlationId: id } = first
  return [{ ...NAMELESS, kind: 'request', id, name, state, match: 'correlation_id', organization }]
}

const NAMELESS = { name: null, email: null, userId: null } as const

function toState(statuses: readonly LogStatus[]): HitState {
  if (statuses.includes('Failed')) return 'failed'
  return statuses.includes('Processing') ? 'waiting' : 'succeeded'
}

/** Returns what a list shows of an organization; null if it is out of reach. */
async function findOrganization(scope: Scope, id: string | null): Promise<Hit['organization']> {
  const found = await selectFoundOrganization(scope.tx, id ?? '')
  if (!(await isReachable(scope, found)) || !found) return null
  return { id: found.id, name: found.name, kind: found.kind }
}
