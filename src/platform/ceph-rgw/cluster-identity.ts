import type { ClusterIdentity } from '../platform.ts'
import type { AdminClient } from './admin-client.ts'
import { isRefusal } from './errors.ts'
import { toText } from './json.ts'
import { withRetries } from './retries.ts'
import { fromMetadata, toMetadata } from './users.ts'

/** The user whose display name holds the identity. It has no tenant, so it is not in the way of any account. */
const UID = 'usher-cluster'
const NAME = 'Identity of this cluster for Usher: '

/**
 * Creates the identity of a gateway's cluster: a user without keys that carries it. The cluster's own id cannot serve:
 * releases before 17 do not tell it, later ones need another cap for it, and the clusters of several zones share users
 * but not the id (docs/decisions/0021).
 */
export function newClusterIdentity(client: AdminClient): ClusterIdentity {
  const path = '/admin/metadata/user'
  const query = { key: UID }
  return {
    async read(signal) {
      try {
        const { body } = await withRetries(() => client.send({ method: 'GET', path, query }, signal), signal)
        const name = toText(fromMetadata(body, UID).display_name, 'display_name')
        return name.startsWith(NAME) ? name.slice(NAME.length) : null
      } catch (error) {
        if (isRefusal(error, 404, 'NoSuchKey')) return null
        throw error
      }
    },
    async write(id, signal) {
      const record = { user_id: UID, display_name: NAME + id, suspended: 1, max_buckets: -1, keys: [] }
      const call = { method: 'PUT', path, query, body: toMetadata(record, UID) } as const
      await withRetries(() => client.send(call, signal), signal)
    },
  }
}
