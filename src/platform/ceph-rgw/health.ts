import { shareFor } from '../../share-for.ts'
import type { PlatformStatus } from '../platform.ts'
import { PlatformError } from '../platform.ts'
import type { AdminClient } from './admin-client.ts'
import { type JsonObject, toArray, toObject } from './json.ts'

/** How long callers share one check. Anyone can cause checks, because `GET /api/info` needs no authentication. */
const FRESH_MS = 10_000
/** The time limit of one check. */
const CHECK_MS = 2_000
/** The caps that Usher's own user needs (docs/ceph-rgw.md). */
const NEEDED_CAPS = { users: ['*'], metadata: ['*'], buckets: ['*', 'read'] } as const

/**
 * Creates the health check of a gateway. Its results are shared for FRESH_MS.
 * @param accessKey the access key that Usher uses for its calls
 * @returns the check, which never throws
 */
export function newHealthCheck(client: AdminClient, accessKey: string): () => Promise<PlatformStatus> {
  return shareFor(FRESH_MS, () => checkHealth(client, accessKey))
}

/**
 * Reads Usher's own user on the gateway, which works only if the keys, the gateway and its cluster are in order. Then
 * checks that the cluster is the one that has the accounts.
 */
async function checkHealth(client: AdminClient, accessKey: string): Promise<PlatformStatus> {
  try {
    const call = { method: 'GET', path: '/admin/user', query: { 'access-key': accessKey } } as const
    const signal = AbortSignal.timeout(2 * CHECK_MS)
    const { body, headers } = await client.send(call, signal, CHECK_MS)
    const version = toVersion(headers.server?.toString())
    const missing = listMissingCaps(toObject(body, 'a user'))
    if (missing.length === 0) return await client.confirm(signal).then(() => ({ version, health: 'NORMAL' }))
    const reason = `the user of USHER_CEPH_RGW_ACCESS_KEY lacks the caps ${missing.join(';')}`
    return { version, health: 'WARNING', reason }
  } catch (error) {
    const reason = error instanceof PlatformError ? error.message : 'the Ceph RGW could not be asked'
    return { version: 'unknown', health: 'ERROR', reason }
  }
}

/**
 * Takes the version from the header `Server`: `Ceph Object Gateway (squid)`. Release 16.2 does not send its version.
 */
function toVersion(server = ''): string {
  return /^Ceph Object Gateway \((.{1,64})\)$/.exec(server)?.[1] ?? 'unknown'
}

/** Lists the caps that a user lacks. System users and admins need none. */
function listMissingCaps(user: JsonObject): string[] {
  if (user.system === 'true' || user.admin === 'true') return []
  const caps = toArray(user.caps, 'caps').map((cap) => toObject(cap, 'a cap'))
  return Object.entries(NEEDED_CAPS)
    .filter(
      ([type, perms]) => !caps.some((cap) => cap.type === type && perms.some((perm) => perm === cap.perm)),
    )
    .map(([type, perms]) => `${type}=${perms.at(-1)}`)
}
