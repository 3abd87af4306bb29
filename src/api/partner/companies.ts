import type { CompanyPage, CompanySearch } from '../../directory/customers.ts'
import { type CompanyChange, NO_COMPANY } from '../../model/companies.ts'
import { toInvalid } from '../../model/error.ts'
import type { OrganizationRecord } from '../../model/organizations.ts'
import { type PageQuery, toPageRequest } from './paging.ts'

type Sent = { readonly [Name in keyof CompanyChange]?: CompanyChange[Name] | undefined }

/** Picks the members of a company from a body that may have others. */
export function toCompanyChange(body: Sent): CompanyChange {
  const names = ['companyName', ...Object.keys(NO_COMPANY)] as readonly (keyof CompanyChange)[]
  return Object.fromEntries(
    names.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]),
  )
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
