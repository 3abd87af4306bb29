import type { OwnerForm } from '../../model/accounts.ts'

/** Ceph RGW shows users of a tenant as `tenant$user`. Neither id may hold a `$`. */
export const CEPH_RGW_OWNER_FORM: OwnerForm = {
  toCanonicalId: ({ tenantId, userId }) => `${tenantId}$${userId}`,
  fromCanonicalId(canonicalId) {
    const [tenantId, userId, ...more] = canonicalId.split('$')
    return tenantId && userId && more.length === 0 ? { tenantId, userId } : undefined
  },
}

/** Ceph RGW's user for S3 requests without a key: the principal of public buckets. */
export const CEPH_RGW_ANONYMOUS_USER = { id: 'anonymous', name: 'anonymous' } as const
