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
  webhooks: {
    pk: Generated<number>
    id: string
    provider_pk: number
    /** The organization whose events it gets. SQLite may give the key of a deleted row to a new one. */
    organization_pk: number
    organization_id: string
    url: string
    name: string | null
    /** JSON: the operations whose events it gets; null for all. */
    operations: string | null
    /** The secret alone or, after a rotation, JSON: the secret, and those before it with their ends. */
    sealed_secret: string
    /** When the secret was replaced; null if it is the first one. */
    secret_at: string | null
    /** When the last replaced secret ends; null if none was kept. */
    old_secret_until: string | null
    /** The place in the audit log up to which events were delivered, or are rows of `deliveries`. */
    cursor_block: number
    cursor_pk: number
    /** The failed attempts since the last accepted one, and why the last one failed. */
    failures: number
    error: string | null
    delivered_at: string | null
    /** When the next attempt of an event that waits is due; null if none waits. */
    due_at: string | null
    leased_until: string | null
    leased_by: string | null
    created_at: string
  }
  /** Events that a receiver has not accepted, one row for each webhook and entry. */
  deliveries: {
    pk: Generated<number>
    webhook_pk: number
    /** The place of the entry in the log. */
    block: number
    entry_pk: number
    /** The organization of the entry, in which events keep their order; empty for none. */
    organization: string
    attempts: number
    first_failed_at: string | null
    /** When the next attempt is due; empty if it is due as soon as no earlier event of the organization waits. */
    due_at: string
    error: string | null
    /** When it was given up; null while it waits. */
    dead_at: string | null
  }
}
