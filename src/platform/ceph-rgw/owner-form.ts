import type { OwnerForm } from '../../model/accounts.ts'
import { PlatformError } from '../platform.ts'

/** The canonical ids of Ceph RGW: `tenant$user`. Neither part may hold a `$`. */
export const CEPH_RGW_OWNER_FORM: OwnerForm = {
  toCanonicalId: ({ tenantId, userId }) => `${tenantId}$${userId}`,
  fromCanonicalId(canonicalId) {
    const [tenantId, userId, ...more] = canonicalId.split('$')
    return tenantId && userId && more.length === 0 ? { tenantId, userId } : undefined
  },
}

/** The user that Ceph RGW uses for S3 requests without an access key, for example to public buckets. */
export const CEPH_RGW_ANONYMOUS_USER = { id: 'anonymous', name: 'anonymous' } as const

/**
 * Returns the uid of an account: `tenant$user`.
 * @throws {PlatformError} for an id with a second `$` or an empty part, which RGW would take for another user's id
 */
export function toUid({ canonicalUserId }: { readonly canonicalUserId: string }): string {
  if (/^\w+\$[^$]+$/.test(canonicalUserId)) return canonicalUserId
  throw new PlatformError(`'${canonicalUserId}' cannot be the uid of a Ceph RGW user: it must be tenant$user`)
}
