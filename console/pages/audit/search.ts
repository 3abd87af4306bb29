import { readId } from '../../api/addresses.ts'

export const STATUSES = ['Succeeded', 'Failed', 'Processing'] as const

/** What the address of the audit log can say. Times are ISO 8601; the range ends now unless `until` says otherwise. */
export interface AuditSearch {
  readonly operation?: string
  readonly status?: (typeof STATUSES)[number]
  readonly outcome?: string
  readonly caller?: string
  readonly org?: string
  readonly target?: string
  readonly since?: string
  readonly until?: string
}

/** Returns the query of the server's list and export for these filters. */
export function toFilters({ org, ...rest }: AuditSearch) {
  return { ...rest, ...(org && { organization: org }) }
}

/** Reads the address of the audit log. Unknown and wrong values are left out. */
export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  const status = STATUSES.find((one) => one === search.status)
  const org = readId(search.org)
  return {
    ...readTexts(search),
    ...(status && { status }),
    ...(org && { org }),
    ...readTimes(search),
  }
}

function readTexts(search: Record<string, unknown>) {
  const names = ['operation', 'outcome', 'caller', 'target'] as const
  const given = names.filter((name) => typeof search[name] === 'string' && search[name] !== '')
  return Object.fromEntries(given.map((name) => [name, search[name]])) as Pick<
    AuditSearch,
    (typeof names)[number]
  >
}

function readTimes(search: Record<string, unknown>): Pick<AuditSearch, 'since' | 'until'> {
  const names = ['since', 'until'] as const
  const given = names.filter((name) => !Number.isNaN(Date.parse(String(search[name]))))
  return Object.fromEntries(given.map((name) => [name, new Date(String(search[name])).toISOString()]))
}
