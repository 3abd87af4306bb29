import type { CallerName } from './context.ts'
import type { Issue } from './error.ts'

/** What became of a row. A row that is invalid or in conflict changed nothing. */
export const ROW_STATUSES = ['created', 'restored', 'changed', 'unchanged', 'invalid', 'conflict'] as const
export type RowStatus = (typeof ROW_STATUSES)[number]

/** The number of rows with each status. */
export type RowCounts = Readonly<Record<RowStatus, number>>

/** What became of one row of an import, or would become of it. */
export interface RowResult {
  /** The line on which the row begins, from 1. */
  readonly line: number
  readonly status: RowStatus
  /** The id of the user; null if the row changed nothing, and before a user is created. */
  readonly id: string | null
  /** Why a row is invalid or in conflict. */
  readonly issues: readonly Issue[]
}

/** One import of a file, or one bulk call. Times are ISO 8601, UTC. */
export interface Import {
  readonly pk: number
  readonly id: string
  /** The organization that rows belong to which name none. */
  readonly organizationId: string
  /** The reseller in whose context it creates users; null for none. */
  readonly resellerId: string | null
  readonly source: 'file' | 'call'
  /** The path of the file; null for a call. */
  readonly file: string | null
  /** The SHA-256 of the file, base64url; null for a call. */
  readonly contentHash: string | null
  readonly caller: CallerName
  readonly correlationId: string
  readonly counts: RowCounts
  readonly beganAt: string
  /** Null until its last row. */
  readonly endedAt: string | null
  readonly undoBeganAt: string | null
  readonly undoEndedAt: string | null
}

/** No rows at all. */
export const NO_ROWS: RowCounts = {
  ...{ created: 0, restored: 0, changed: 0 },
  ...{ unchanged: 0, invalid: 0, conflict: 0 },
}

/** Adds the statuses of results to counts. */
export function addCounts(counts: RowCounts, results: readonly Pick<RowResult, 'status'>[]): RowCounts {
  const sum = { ...counts }
  for (const { status } of results) sum[status]++
  return sum
}

/** What an undo did to a user of the import: `kept` for one that was changed since, or could not be taken back. */
export interface UndoResult {
  readonly line: number
  readonly id: string
  readonly status: 'deleted' | 'changed' | 'kept'
  /** Why a user was kept. */
  readonly reason: string | null
}
