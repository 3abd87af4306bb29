import type { PlatformFacts } from '../../provisioning/platform-view.ts'
import type { OsisS3Capabilities } from './platform-schemas.ts'

/** Returns a platform's S3 exclusions as the document of this API. */
export function toS3Capabilities(exclusions: PlatformFacts['s3Exclusions']): OsisS3Capabilities {
  const entries = Object.entries(exclusions).map(([call, { whole, params, headers, payload }]) => [
    call,
    {
      ...(whole && { all: true }),
      ...(params && { by_params: [...params] }),
      ...(headers && { by_headers: [...headers] }),
      ...(payload && { by_payload: [...payload] }),
    },
  ])
  return { exclusions: Object.fromEntries(entries) }
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
