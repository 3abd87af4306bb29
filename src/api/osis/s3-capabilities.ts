import type { OsisS3Capabilities } from './platform-schemas.ts'

/**
 * What the S3 service of Ceph RGW does not support, by its documentation.
 * @NOTE Not yet checked against a real gateway call by call; the suite that runs against one is to do so. Releases
 *   differ: bucket logging came with 20. An operator's own document (`USHER_OSIS_S3_CAPABILITIES`) takes its place.
 */
const CEPH_RGW: readonly string[] = [
  ...each(['get', 'put'], ['bucket_accelerate', 'bucket_accelerate_configuration', 'bucket_logging']),
  ...each(
    ['list', 'get', 'put', 'delete'],
    ['bucket_analytics_configuration', 'bucket_inventory_configuration', 'bucket_metrics_configuration'],
  ),
  'get_object_torrent',
  'restore_object',
]

function each(verbs: readonly string[], names: readonly string[]): string[] {
  return names.flatMap((name) => verbs.map((verb) => `${verb}_${name}`))
}

/** The calls that a platform excludes unless an operator says otherwise. Embedded stands in for Ceph while trying out. */
const EXCLUDED: Readonly<Record<string, readonly string[]>> = { 'ceph-rgw': CEPH_RGW, embedded: CEPH_RGW }

/** The document for a platform when there is none of the operator's. Never empty: tools take an empty one for broken. */
export function defaultS3Capabilities(platform: string): OsisS3Capabilities {
  const names = EXCLUDED[platform] ?? CEPH_RGW
  return { exclusions: Object.fromEntries(names.map((name) => [name, { all: true }])) }
}

const LISTS = ['by_params', 'by_headers', 'by_payload'] as const

/**
 * Reads an operator's document by section 6.2 of the contract.
 * @throws {Error} saying what is wrong with it
 */
export function parseS3Capabilities(text: string): OsisS3Capabilities {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new Error('must hold JSON: {"exclusions": {…}}')
  }
  const exclusions = isObject(document) ? document.exclusions : undefined
  if (!isObject(exclusions)) throw new Error('must hold an object with the member exclusions')
  const entries = Object.entries(exclusions)
  if (entries.length === 0)
    throw new Error('must exclude at least one call: Object Storage Extension takes none for a broken answer')
  return {
    exclusions: Object.fromEntries(entries.map(([name, value]) => [name, parseExclusion(name, value)])),
  }
}

function parseExclusion(name: string, value: unknown): OsisS3Capabilities['exclusions'][string] {
  const path = `exclusions.${name}`
  if (!/^[a-z0-9]+(_[A-Za-z0-9]+)*$/.test(name)) throw new Error(`${path} must be an S3 call in snake case`)
  if (!isObject(value)) throw new Error(`${path} must be an object`)
  const { all = false, ...lists } = value
  if (typeof all !== 'boolean') throw new Error(`${path}.all must be true or false`)
  const given: Partial<Record<(typeof LISTS)[number], string[]>> = {}
  for (const [member, list] of Object.entries(lists)) {
    const known = LISTS.find((one) => one === member)
    if (!known) throw new Error(`${path}.${member} is not a member; there are all, ${LISTS.join(', ')}`)
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
      throw new Error(`${path}.${member} must be a list of texts`)
    if (list.length > 0) given[known] = list
  }
  // Without a list, an exclusion means the whole call, in every revision; said outright it cannot be misread.
  return all || Object.keys(given).length === 0 ? { all: true, ...given } : given
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
