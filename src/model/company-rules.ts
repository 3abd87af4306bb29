import { type Company, type CompanyChange, domainOf } from './companies.ts'
import type { Issue } from './error.ts'
import { countCodePoints, foldCase } from './text.ts'

// Rules for the company and the primary contact of a customer: reference/customer-api.md, section 9.3.

const MAX_CONTACT_NAME = 40

/** Names that people type to get past a form. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  'test',
  'tester',
  'testing',
  'admin',
  'administrator',
  'nobody',
  'anonymous',
  'unknown',
  'undefined',
  'user',
  'username',
  'first name',
  'firstname',
  'last name',
  'lastname',
  'dummy',
  'asdf',
  'n/a',
  'tbd',
])

/** Abbreviations of legal forms. They may be part of a company's name, but not all of it. */
const LEGAL_FORMS: ReadonlySet<string> = new Set([
  'ab',
  'ag',
  'aps',
  'as',
  'bv',
  'co',
  'corp',
  'doo',
  'gmbh',
  'inc',
  'kft',
  'kg',
  'lda',
  'llc',
  'llp',
  'ltd',
  'ltda',
  'nv',
  'ohg',
  'oy',
  'plc',
  'pty',
  'ptyltd',
  'pvtltd',
  'sa',
  'sarl',
  'sl',
  'spa',
  'spzoo',
  'srl',
  'sro',
])

/**
 * Checks the members that a call sets for a customer, by the rules for companies and their contacts.
 * @returns one issue for each rule that is broken; `path` is the name of the member
 */
export function checkCustomerRules(change: CompanyChange): Issue[] {
  const { companyName, firstName, middleName, lastName, email = null } = change
  return [
    ...(companyName === undefined ? [] : checkCompanyName(companyName)),
    ...checkContactName('firstName', firstName),
    ...checkContactName('middleName', middleName),
    ...checkContactName('lastName', lastName),
    ...(domainOf(email) === 'microsoft.com' ? [atMicrosoft()] : []),
  ]
}

function checkCompanyName(name: string): Issue[] {
  const message = findFaultOfCompany(name.trim())
  return message === null ? [] : [{ path: 'companyName', rule: 'companyName', message }]
}

function findFaultOfCompany(name: string): string | null {
  if (name === '') return null
  if (countCodePoints(name) === 1) return 'must have more than one character'
  if (!/[\p{L}\p{N}]/u.test(name)) return 'must not consist of special characters alone'
  if (name.split(/\s+/u).every((word) => countCodePoints(word) === 1))
    return 'must not consist of single characters with blanks between them'
  const characters = [...foldCase(name)]
  if (characters.length >= 3 && new Set(characters).size === 1)
    return 'must not be one character that is repeated'
  if (LEGAL_FORMS.has(foldCase(name).replace(/[\s.,/]/gu, '')))
    return 'must not be the abbreviation of a legal form alone'
  return null
}

function checkContactName(
  path: 'firstName' | 'middleName' | 'lastName',
  name: string | null | undefined,
): Issue[] {
  if (name === null || name === undefined) return []
  const message = findFaultOfName(name.trim(), { isMiddle: path === 'middleName' })
  const issues: Issue[] = message === null ? [] : [{ path, rule: 'contactName', message }]
  const length = countCodePoints(name)
  if (length > MAX_CONTACT_NAME) {
    const tooLong = `must have at most ${MAX_CONTACT_NAME} characters; it has ${length}`
    issues.push({ path, rule: 'maxLength', message: tooLong })
  }
  return issues
}

/** @param options.isMiddle a middle name may be an initial, or be empty */
function findFaultOfName(name: string, { isMiddle }: { readonly isMiddle: boolean }): string | null {
  if (name === '') return isMiddle ? null : 'must not be empty; send null for no name'
  if (!/\p{L}/u.test(name)) return 'must not consist of digits, symbols or emoji alone'
  if (!isMiddle && countCodePoints(name) === 1 && !/\p{Script=Han}/u.test(name))
    return 'must have more than one character, unless it is Chinese'
  if (PLACEHOLDERS.has(foldCase(name))) return 'must be the name of a person, not a placeholder'
  return null
}

function atMicrosoft(): Issue {
  return { path: 'email', rule: 'domain', message: 'must not be an address at microsoft.com' }
}

/**
 * Checks that the contact of a customer is not reached through its reseller.
 * @param email the address that a call sets; null and undefined pass
 * @param domains the reseller's own domains. The address may be neither in one of them nor below it
 */
export function checkContactDomain(email: Company['email'] | undefined, domains: readonly string[]): Issue[] {
  const domain = domainOf(email ?? null)
  if (!domains.some((own) => domain === own || domain?.endsWith(`.${own}`))) return []
  return [{ path: 'email', rule: 'domain', message: 'must not be in the domain of the reseller' }]
}
