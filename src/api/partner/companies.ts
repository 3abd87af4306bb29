import type { CompanyPage, CompanySearch } from '../../directory/customers.ts'
import { COMPANY_MEMBERS, type CompanyChange } from '../../model/companies.ts'
import { toInvalid } from '../../model/error.ts'
import type { OrganizationRecord } from '../../model/organizations.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { type PageQuery, toPageRequest } from './paging.ts'

type Sent = { readonly [Name in keyof CompanyChange]?: CompanyChange[Name] | undefined }

const MEMBERS = ['companyName', ...COMPANY_MEMBERS] as const

/**
 * Picks the members of a company from a body that may have others, which are not checked.
 * @param kind resellers have no `middleName`
 */
export function toCompanyChange(body: Sent, kind: 'customer' | 'reseller'): CompanyChange {
  const names = MEMBERS.filter((name) => kind === 'customer' || name !== 'middleName')
  return Object.fromEntries(
    names.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]),
  )
}

/** No rule needs more of a text: what is longer breaks the limit of every member. */
const MAX_READ = 2 * MAX_TEXT

/**
 * Picks the members of a company that are texts or null from a body that has the wrong shape. A phone number is read
 * with its country alone. A zip code is not read: its schema, under either of its names, has all of its rules.
 */
export function readCompany(body: unknown, kind: 'customer' | 'reseller'): CompanyChange {
  if (typeof body !== 'object' || body === null) return {}
  const read = Object.entries(body).filter(
    ([, value]) => value === null || (typeof value === 'string' && value.length <= MAX_READ),
  )
  const {
    companyName,
    country,
    phone,
    zip: _,
    ...members
  } = Object.fromEntries(read) as Partial<Record<string, string | null>>
  const located = country ? { country, phone } : {}
  return toCompanyChange({ ...members, ...located, companyName: companyName ?? undefined }, kind)
}

/** Translates the members that customers and resellers have in common, all but the zip code. */
export function toCompanyView({ id, name: companyName, company, createdAt }: OrganizationRecord) {
  const { middleName: _, zip: __, ...shared } = company
  return { id, companyName, ...shared, createdAt }
}

/** What a caller asks for with `searchQuery` and `pageQuery`. */
interface SearchQuery extends PageQuery {
  readonly searchValue?: string
  readonly searchField?: string
  readonly ascendingOrder?: boolean
}

/**
 * Translates the search of a list.
 * @param fields what each value of `searchField` searches; the first one is the default
 * @returns undefined if nothing is searched
 * @throws {DirectoryError} `invalid` for a field without a value
 */
export function toSearch(
  { searchValue = '', searchField }: SearchQuery,
  fields: Readonly<Record<string, CompanySearch>>,
): { by: CompanySearch; text: string } | undefined {
  if (searchValue === '' && searchField !== undefined) {
    const message = 'is required if searchField is given'
    throw toInvalid([{ path: 'searchValue', rule: 'required', message }])
  }
  const by = fields[searchField ?? 'Company.Name']
  return searchValue === '' || !by ? undefined : { by, text: searchValue }
}

/** Translates the paging and the order of a list. */
export function toCompanyPage(query: SearchQuery): CompanyPage {
  return { ...toPageRequest(query), ascending: query.ascendingOrder ?? true }
}
