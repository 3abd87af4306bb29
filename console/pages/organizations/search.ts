import { readId } from '../../api/addresses.ts'

/** What the address of the list of organizations can say. */
export interface OrganizationsSearch {
  readonly q?: string
  readonly kind?: 'reseller' | 'customer'
  readonly reseller?: string
}

const KINDS = ['reseller', 'customer'] as const

/** Reads the address of the list of organizations. Unknown and wrong values are left out. */
export function readOrganizationsSearch(search: Record<string, unknown>): OrganizationsSearch {
  const { q } = search
  const kind = KINDS.find((one) => one === search.kind)
  const reseller = readId(search.reseller)
  return {
    ...(q !== undefined && q !== '' && { q: String(q) }),
    ...(kind && { kind }),
    ...(reseller && { reseller }),
  }
}
