import type { DriftKind } from '../model/platforms.ts'
import type { DesiredState, PlatformAccount } from '../platform/platform.ts'

/** One difference. It never holds a secret. */
export interface Drift {
  readonly kind: DriftKind
  /** The access key that differs; null if the difference is not about an access key. */
  readonly accessKey: string | null
}

/** The drift of an account that the directory does not have. */
export const FOREIGN: readonly Drift[] = [about('foreign')]

/**
 * Compares the desired state of an account with the platform's account.
 * @param displayName the desired name as the platform stores it
 * @param present null if the platform has no account
 */
export function findDrift(
  desired: DesiredState,
  displayName: string,
  present: PlatformAccount | null,
): Drift[] {
  if (desired.status === 'gone') return present ? [about('present')] : []
  if (!present) return [about('missing')]
  return [
    ...(present.status === desired.status ? [] : [about(present.status)]),
    ...(present.displayName === displayName ? [] : [about('name')]),
    ...findKeyDrift(desired, present),
  ]
}

function findKeyDrift(desired: DesiredState, present: PlatformAccount): Drift[] {
  const expected = new Map(listActive(desired.credentials))
  const actual = new Map(listActive(present.keys))
  const known = [...expected].filter(([, secret]) => secret !== null)
  const missing = known.filter(([key]) => !actual.has(key))
  const differing = known.filter(([key, secret]) => actual.has(key) && actual.get(key) !== secret)
  const lost = [...expected].filter(([, secret]) => secret === null)
  const foreign = [...actual.keys()].filter((key) => !expected.has(key))
  return [
    ...missing.map(([key]) => about('key_missing', key)),
    ...differing.map(([key]) => about('key_differs', key)),
    ...lost.map(([key]) => about('secret_lost', key)),
    ...foreign.map((key) => about('key_foreign', key)),
  ]
}

/** Lists the active access keys. Others are not compared: a platform may remove an inactive key or keep it disabled. */
function listActive(keys: DesiredState['credentials']): [accessKey: string, secretKey: string | null][] {
  return keys.filter((key) => key.active).map(({ accessKey, secretKey }) => [accessKey, secretKey])
}

function about(kind: DriftKind, accessKey: string | null = null): Drift {
  return { kind, accessKey }
}
