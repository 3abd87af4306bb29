import type { PlatformAccount, WantedAccount } from '../platform/platform.ts'

/**
 * How a platform can differ from what is wanted of an account:
 * `missing` it has none; `present` it has one that was removed; `suspended`, `active` its account is so, and shall not
 * be; `name` another display name; `key_missing` a key does not work that shall; `key_foreign` a key works that is
 * unknown or disabled; `key_differs` a key has another secret; `secret_lost` the directory cannot open a key's secret,
 * so that nobody can say whether the platform has the same; `foreign` the directory does not have the account, and it is active.
 */
export type DriftKind =
  | 'missing'
  | 'present'
  | 'suspended'
  | 'active'
  | 'name'
  | 'key_missing'
  | 'key_foreign'
  | 'key_differs'
  | 'secret_lost'
  | 'foreign'

/** One difference. It names the key that it is about, and never holds a secret. */
export interface Drift {
  readonly kind: DriftKind
  readonly accessKey: string | null
}

/**
 * Compares what is wanted of an account with what its platform has.
 * @param displayName the name as the platform keeps it
 */
export function findDrift(
  wanted: WantedAccount,
  displayName: string,
  present: PlatformAccount | null,
): Drift[] {
  if (wanted.state === 'gone') return present ? [about('present')] : []
  if (!present) return [about('missing')]
  return [
    ...(present.state === wanted.state ? [] : [about(present.state)]),
    ...(present.displayName === displayName ? [] : [about('name')]),
    ...findKeyDrift(wanted, present),
  ]
}

function findKeyDrift(wanted: WantedAccount, present: PlatformAccount): Drift[] {
  const shall = new Map(active(wanted.credentials))
  const has = new Map(active(present.keys))
  const missing = [...shall].filter(([key, secret]) => secret !== null && !has.has(key))
  const lost = [...shall].filter(([, secret]) => secret === null)
  const differing = [...shall].filter(
    ([key, secret]) => secret !== null && has.has(key) && has.get(key) !== secret,
  )
  const foreign = [...has.keys()].filter((key) => !shall.has(key))
  return [
    ...missing.map(([key]) => about('key_missing', key)),
    ...differing.map(([key]) => about('key_differs', key)),
    ...lost.map(([key]) => about('secret_lost', key)),
    ...foreign.map((key) => about('key_foreign', key)),
  ]
}

/** Access key and secret of those that work: a platform may drop a disabled key, or keep it disabled. */
function active(keys: WantedAccount['credentials']): [accessKey: string, secretKey: string | null][] {
  return keys.filter((key) => key.active).map(({ accessKey, secretKey }) => [accessKey, secretKey])
}

export const FOREIGN: readonly Drift[] = [about('foreign')]

function about(kind: DriftKind, accessKey: string | null = null): Drift {
  return { kind, accessKey }
}
