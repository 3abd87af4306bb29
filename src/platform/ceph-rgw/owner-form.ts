import type { OwnerForm } from '../../model/accounts.ts'
import { PlatformError } from '../platform.ts'

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

/**
 * Returns the uid of an account: `tenant$user`.
 * @throws {PlatformError} for an id that RGW would read as another user's: with a second `$` or an empty part
 */
export function toUid({ canonicalUserId }: { readonly canonicalUserId: string }): string {
  if (/^\w+\$[^$]+$/.test(canonicalUserId)) return canonicalUserId
  throw new PlatformError(`'${canonicalUserId}' cannot be the uid of a Ceph RGW user: it must be tenant$user`)
}
