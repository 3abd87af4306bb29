import type { Generated } from 'kysely'

/** The tables of work that goes on in the background. Columns as in `Tables`. */
export interface WorkTables {
  /** Long work with lease, progress and result; see model/jobs.ts. */
  jobs: {
    pk: Generated<number>
    id: string
    /** The operation that the job carries out. */
    kind: string
    /** `waiting`, `running`, `stopped`, `succeeded`, `failed`. */
    state: string
    provider_pk: number
    /** The organization in whose context the job was begun. SQLite may give a deleted row's key to a new one. */
    organization_pk: number
    organization_id: string
    target: string | null
    /** As in `audit_entries`; with the primary key of a client, null for other callers. */
    caller: string
    caller_pk: number | null
    permission: string
    portal: string | null
    correlation_id: string
    address: string | null
    /** JSON: what the job was begun with, what the last step left (null before the first), and what the job returns. */
    input: string
    cursor: string | null
    result: string | null
    done: number
    total: number | null
    /** Why the last step failed. */
    error: string | null
    /** How often a process has begun to run it since its last step. */
    attempts: number
    due_at: string
    leased_until: string | null
    leased_by: string | null
    created_at: string
    started_at: string | null
    ended_at: string | null
  }
}
