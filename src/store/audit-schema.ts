import type { Generated } from 'kysely'

/** The tables of the audit log. Columns as in `Tables`. */
export interface AuditTables {
  audit_entries: {
    pk: Generated<number>
    id: string
    at: string
    operation: string
    status: string
    outcome: string
    /** `operator`, a client's id, or `person:` and a person's id. */
    caller: string
    portal: string | null
    organization: string | null
    target: string | null
    correlation_id: string
    changed_fields: string
    /** The changes as JSON, some of them sealed; null if there are none. */
    changes: string | null
    /** The source address of the request; null for the command line, and for entries of Usher 0.1.0. */
    address: string | null
    /** The id of the reseller in whose context the operation ran, or whose rows it was about; null for none. */
    reseller: string | null
    /** The block that seals the entry, the entry's position in it, and its hash; null until the entry is sealed. */
    block: number | null
    position: number | null
    hash: string | null
  }
  audit_blocks: {
    number: number
    first_pk: number
    last_pk: number
    entries: number
    previous_hash: string
    /** The hash of the block: an HMAC from the block on that the audit key names, SHA-256 before it. */
    seal: string
  }
  /** The audit key: one row; none before the directory is set up. */
  audit_keys: { pk: number; id: string; sealed: string; created_at: string }
  /**
   * The keys that seal the personal values of the audit log: one for each person who was changed, and for the contact
   * of each organization. `sealed` is encrypted with a master key. It is empty, and `erased_at` is set, once the person
   * was erased.
   */
  person_keys: {
    pk: Generated<number>
    id: string
    sealed: string
    created_at: string
    erased_at: string | null
  }
  /**
   * What lists of entries filter by. It follows the log: `audit_progress` says how far it is. `customer` is the id of
   * the organization if that is a customer. `reseller` is the id of the reseller in whose context the operation ran, or
   * which it was about. `user_pk` is set for an entry about a user with accounts.
   */
  audit_index: {
    provider_pk: number
    at: string
    entry_pk: number
    operation: string
    status: string
    customer: string | null
    reseller: string | null
    user_pk: number | null
  }
  /** The correlation id, the target and the organization of each entry in the index, in lower case. */
  audit_ids: { id: string; entry_pk: number }
  /** The numbers of entries in the index, by hour (`2026-11-28T09`) and operation. */
  audit_totals: { provider_pk: number; hour: string; operation: string; total: number }
  audit_progress: { pk: number; block: number; entry_pk: number }
}
