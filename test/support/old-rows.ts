import type { Value } from '../../testing/query.ts'

export type OldRow = Readonly<Record<string, Value>>

const AT = '2026-01-01T00:00:00.000Z'

/**
 * Rows for every table of schema version 1, with the column names of that version, each after the rows that it refers
 * to. Never change them: stores with such rows exist.
 */
export const OLD_ROWS: readonly (readonly [table: string, row: OldRow])[] = [
  [
    'organizations',
    {
      pk: 1,
      id: 'provider',
      kind: 'provider',
      name: 'Provider',
      provider_pk: null,
      created_at: AT,
    },
  ],
  [
    'organizations',
    { pk: 2, id: 'customer', kind: 'customer', name: 'Customer', provider_pk: 1, created_at: AT },
  ],
  ['customer_resellers', { customer_pk: 2, reseller_pk: 1, created_at: AT }],
  ['portals', { pk: 1, domain: 'portal.example', organization_pk: 1, created_at: AT }],
  ['groups', { pk: 1, id: 'group', provider_pk: 1, name: 'Viewer' }],
  [
    'users',
    {
      pk: 1,
      id: 'user',
      organization_pk: 1,
      reseller_pk: null,
      first_name: 'Zoë',
      last_name: null,
      email: 'Zoë@example.com',
      email_key: 'zoë@example.com',
      created_at: AT,
      updated_at: AT,
      deleted_at: null,
    },
  ],
  ['memberships', { user_pk: 1, group_pk: 1 }],
  [
    'tenants',
    { pk: 1, id: 'tenant', organization_pk: 2, platform: 'embedded', name: 'Tenant', created_at: AT },
  ],
  ['tenant_orgs', { pk: 1, tenant_pk: 1, provider_pk: 1, platform: 'embedded', org_id: 'org' }],
  [
    'accounts',
    {
      pk: 1,
      tenant_pk: 1,
      user_pk: 1,
      platform: 'embedded',
      canonical_user_id: 'tenant$user',
      org_id: 'org',
      org_user_id: 'org-user',
      username: 'zoë',
      email: null,
      role: 'TENANT_USER',
      active: 1,
      wanted: 1,
      desired_version: 2,
      applied_version: 1,
      attempts: 3,
      desired_at: AT,
      due_at: AT,
      leased_until: null,
      last_error: 'down',
      created_at: AT,
    },
  ],
  [
    'credentials',
    { pk: 1, account_pk: 1, access_key: 'KEY', sealed_secret: '1.x.y', active: 1, created_at: AT },
  ],
  [
    'clients',
    {
      pk: 1,
      id: 'client',
      organization_pk: 1,
      name: 'Client',
      permission: 'osis',
      secret_hash: 'hash',
      external_issuer: null,
      external_id: null,
      created_at: AT,
      deleted_at: null,
    },
  ],
  ['signing_keys', { pk: 1, kid: 'kid', public_jwk: '{}', sealed_private: '1.x.y', created_at: AT }],
  [
    'audit_entries',
    {
      pk: 1,
      id: 'entry',
      at: AT,
      operation: 'CreateUser',
      status: 'Succeeded',
      outcome: 'created',
      client: 'client',
      portal: null,
      organization: 'provider',
      target: 'user',
      correlation_id: 'correlation',
      changed_fields: '["email"]',
      block: 1,
      position: 0,
      hash: 'hash',
    },
  ],
  [
    'audit_blocks',
    { number: 1, first_pk: 1, last_pk: 1, entries: 1, previous_hash: 'genesis', hash: 'block' },
  ],
  ['idempotency_keys', { client_pk: 1, key: 'key', request_hash: 'hash', answer: '"user"', expires_at: AT }],
  ['heartbeats', { pk: 1, at: AT }],
]
