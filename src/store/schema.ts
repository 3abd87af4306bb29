import type { Generated } from 'kysely'
import type { AuditTables } from './audit-schema.ts'
import type { ConsoleTables } from './console-schema.ts'
import type { WorkTables } from './work-schema.ts'

/** The columns as both engines hold them: times as ISO 8601 text in UTC, booleans as 0 and 1, lists as JSON text. */
export interface Tables extends AuditTables, ConsoleTables, WorkTables {
  organizations: {
    pk: Generated<number>
    id: string
    kind: 'provider' | 'reseller' | 'customer'
    name: string
    /** Null for a provider, which is its own root. */
    provider_pk: number | null
    created_at: string
    /** Set while a customer is suspended. */
    suspended_at: string | null
    /** Set when the deletion begins. The row stays: users, accounts and audit entries refer to it. */
    deleted_at: string | null
    /** The name as lists sort and search it; see `foldKey`. */
    name_key: string
    /** When a deleted organization had no users and accounts left; null until then, and while accounts own data. */
    emptied_at: string | null
    /** The provider's own id of the organization, and the same as it is searched. */
    internal_identifier: string | null
    identifier_key: string | null
    /** The domain of the contact's e-mail address, as it is searched. */
    email_domain: string | null
    /** The members of `Company` as JSON; null if there are none. */
    company: string | null
  }
  /** Relations between customers and resellers, with the reseller's own id of the customer. */
  customer_resellers: {
    customer_pk: number
    reseller_pk: number
    created_at: string
    internal_identifier: string | null
    identifier_key: string | null
  }
  portals: { pk: Generated<number>; domain: string; organization_pk: number; created_at: string }
  groups: {
    pk: Generated<number>
    id: string
    provider_pk: number
    name: string
    /**
     * The organization that has the group; null for a group of the provider, in which users of any organization are.
     */
    organization_pk: Generated<number | null>
    version: Generated<number>
    created_at: string | null
    updated_at: string | null
  }
  users: {
    pk: Generated<number>
    id: string
    organization_pk: number
    reseller_pk: number | null
    /** A copy of the organization's value, so that a provider's users are listed from one index. */
    provider_pk: number
    first_name: string | null
    last_name: string | null
    email: string | null
    /** The e-mail as it is compared. Unique among the users of an organization that are not deleted. */
    email_key: string | null
    /** 1 once the user is in all indexes of lists; a create leaves this to the follower. */
    listed: Generated<number>
    /** What lists are ordered by; see `nameKeyOf`. */
    name_key: string
    /** The person's own status, 1 or 0. Their accounts also follow the status of the organization. */
    active: Generated<number>
    /** Counts the changes of the user, from 1. */
    version: Generated<number>
    created_at: string
    updated_at: string
    deleted_at: string | null
  }
  /**
   * Numbers of live listed users whose key begins with `prefix` (8 characters) in an order. `start` has its first 3
   * characters. A prefix may have several rows: add up their totals.
   */
  user_ranks: { provider_pk: number; sort: 'name' | 'email'; start: string; prefix: string; total: number }
  /** `listed` is 1 if it is 1 for the user. */
  memberships: { user_pk: number; group_pk: number; listed: Generated<number> }
  /** The ids by which clients know users. */
  external_ids: { client_pk: number; user_pk: number; external_id: string }
  /**
   * Numbers of listed users. `reseller_pk` is 0 for users in no reseller's context. A combination may have several
   * rows: add up their totals.
   */
  user_totals: {
    provider_pk: number
    organization_pk: number
    reseller_pk: number
    deleted: number
    total: number
  }
  /** The platforms that tenants and accounts name. One of them has `main` = 1. */
  platforms: {
    pk: Generated<number>
    name: string
    kind: string
    /** The identity of its cluster; null until Usher has reached it, and for `embedded`. */
    cluster: string | null
    main: number
    created_at: string
  }
  tenants: {
    pk: Generated<number>
    id: string
    organization_pk: number
    /** A copy of the organization's value, so that a provider's tenants are counted in one index. */
    provider_pk: number
    platform: string
    name: string
    /** Who gets an account: `named` by Cloud Director, or `everyone` of the customer. */
    accounts: Generated<'named' | 'everyone'>
    created_at: string
    deleted_at: string | null
  }
  tenant_orgs: {
    pk: Generated<number>
    tenant_pk: number
    /** A copy of the tenant's value, so that a unique index allows only one tenant for each org. */
    provider_pk: number
    platform: string
    org_id: string
  }
  /** The customer to whose tenant each org is, or was last, mapped. The row stays when the mapping ends. */
  org_customers: { provider_pk: number; org_id: string; organization_pk: number }
  accounts: {
    pk: Generated<number>
    /** A copy of the tenant's value, so that a provider's accounts are counted in one index. */
    provider_pk: number
    tenant_pk: number
    user_pk: number
    /** 1 if the user was created for the account, and is deleted with it. */
    made_user: number
    platform: string
    canonical_user_id: string
    org_id: string
    org_user_id: string
    username: string
    email: string | null
    role: string
    /** The account's own status. */
    enabled: Generated<number>
    /** Whether the account works; it follows `enabled`, the person and the customer. See accounts/status.ts. */
    active: number
    /** The desired state: 1 if the account exists, 0 if it was removed. */
    wanted: number
    /** 1 if a removal also deletes the account's data. */
    purge: Generated<number>
    desired_version: number
    applied_version: number
    /** Attempts since the desired state last changed or was applied. */
    attempts: number
    /** The attempts that failed while the platform was healthy. */
    own_failures: Generated<number>
    /** When the account was parked (then it is tried rarely, because it failed too often); null if it is not parked. */
    parked_at: string | null
    /** When the desired state last changed; the age of an account that is not applied counts from here. */
    desired_at: string
    due_at: string
    leased_until: string | null
    leased_by: string | null
    /** When the newest state that the platform has was wanted: its `desired_at`. Null until one was applied. */
    applied_at: Generated<string | null>
    last_error: string | null
    /** Why the last attempt failed, as `formatCause` returns it; null unless `last_error` is set. */
    cause: Generated<string | null>
    /** When the platform was last seen not to have the account, after its removal; null until then. */
    gone_at: Generated<string | null>
    created_at: string
  }
  /** The kept attempts to apply accounts; equal ones in a row are one row. See `Attempt`. */
  attempts: {
    pk: Generated<number>
    account_pk: number
    first_at: string
    last_at: string
    count: number
    outcome: string
    cause: string | null
    error: string | null
    version: number
    changed_at: string
    node: string
    ms: number
  }
  /** The accounts of keys whose rows were deleted. Triggers maintain it. */
  removed_keys: { access_key: string; account_pk: number }
  /** What accounts store on their platforms, as it was last read. An account without a row is new. */
  contents: {
    account_pk: number
    /** These three are copies of the account's values, so that figures are added up in one index. */
    provider_pk: number
    tenant_pk: number
    platform: string
    bucket_count: number
    object_count: number
    used_bytes: number
    quota_bytes: number | null
    /** Null if the account existed before figures were stored, and was not read yet. */
    read_at: string | null
    /** When it is to be read next; empty for the first time. */
    due_at: string
  }
  buckets: { account_pk: number; name: string; tenant_pk: number; created_at: string }
  credentials: {
    pk: Generated<number>
    account_pk: number
    /** These three are copies of the account's values, so that credentials are counted in one index. */
    provider_pk: number
    tenant_pk: number
    org_id: string
    access_key: string
    sealed_secret: string
    active: number
    /**
     * The desired state: 1 if the credential exists; 0 if it was deleted, until the platform no longer has it; -1 if
     * its account was removed.
     */
    wanted: Generated<number>
    created_at: string
  }
  account_totals: Totals
  credential_totals: Totals
  clients: {
    pk: Generated<number>
    id: string
    organization_pk: number
    name: string
    permission: 'administrator' | 'viewer' | 'osis'
    secret_hash: string | null
    /** The external issuer whose tokens the client uses, and the issuer's id of the client. */
    external_issuer: string | null
    external_id: string | null
    created_at: string
    deleted_at: string | null
    /** The secrets that were replaced and are still accepted, as JSON; null if there are none. */
    previous_secrets: string | null
    /** When the secret was made; null for a client of an external issuer. */
    secret_at: string | null
    /** When the client called last, to a few minutes; null if it never did. */
    last_used_at: string | null
  }
  refresh_tokens: {
    pk: Generated<number>
    /** The token's `jti`. The token itself is not stored. */
    id: string
    /** The SHA-256 of the token; null for a token of version 0.1.0 that was not used since. */
    token_hash: string | null
    client_pk: number
    created_at: string
    expires_at: string
    revoked_at: string | null
  }
  signing_keys: {
    pk: Generated<number>
    kid: string
    public_jwk: string
    sealed_private: string
    created_at: string
    /** The time from which the key signs, unless a newer key does. */
    signs_at: string
    /** The time until which the key is published; null if no newer key replaces it. */
    expires_at: string | null
  }
  idempotency_keys: {
    client_pk: number
    key: string
    request_hash: string
    answer: string
    expires_at: string
  }
  /** Imports of files, and bulk calls. */
  imports: {
    pk: Generated<number>
    id: string
    provider_pk: number
    /** The organization that rows belong to which name none. */
    organization_pk: number
    organization_id: string
    /** The reseller in whose context it creates users. */
    reseller_id: string | null
    source: 'file' | 'call'
    file: string | null
    content_hash: string | null
    caller: string
    correlation_id: string
    /** The numbers of rows with each outcome. */
    created: number
    restored: number
    changed: number
    unchanged: number
    invalid: number
    conflict: number
    began_at: string
    ended_at: string | null
    undo_began_at: string | null
    undo_ended_at: string | null
  }
  /** The users that an import met: its change set. */
  import_users: {
    import_pk: number
    user_pk: number
    /** The line of the row that decided. */
    line: number
    outcome: 'created' | 'restored' | 'changed' | 'unchanged'
    /** The user's version after it. */
    version: number
    /** The content before it, as JSON; null for a new or unchanged user, and after the person was erased. */
    before: string | null
    /** 1 once an undo has looked at it. */
    undone: number
  }
  /** The named locks, one row each: units with the same lock take turns; see tables/locks.ts. */
  turns: { name: string; taken_at: string }
  heartbeats: { pk: Generated<number>; at: string }
  migrations: { version: number; name: string; applied_at: string }
}

/**
 * Numbers of rows for each combination of the first four columns. A combination may have several rows: add up their
 * totals. Triggers (SQLite) or a view (PostgreSQL) maintain them.
 */
interface Totals {
  readonly provider_pk: number
  readonly org_id: string
  readonly tenant_pk: number
  readonly active: number
  readonly total: number
}
