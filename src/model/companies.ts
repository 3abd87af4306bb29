import { COUNTRY_MESSAGE, isCountry } from './countries.ts'
import { checkEmail, foldEmail } from './email.ts'
import type { Issue } from './error.ts'
import { PHONE_MESSAGE, type PhoneCheck } from './phone.ts'
import { checkText, countCodePoints } from './text.ts'

/** What an organization is as a company, apart from its name. The names are those of its primary contact. */
export interface Company {
  readonly taxId: string | null
  /** ISO 3166-1 alpha-2, in upper case. */
  readonly country: string | null
  readonly addressLine1: string | null
  readonly addressLine2: string | null
  readonly city: string | null
  readonly state: string | null
  readonly zip: string | null
  readonly firstName: string | null
  readonly middleName: string | null
  readonly lastName: string | null
  readonly email: string | null
  readonly phone: string | null
}

/** A company without any data. */
export const NO_COMPANY: Company = {
  taxId: null,
  country: null,
  addressLine1: null,
  addressLine2: null,
  city: null,
  state: null,
  zip: null,
  firstName: null,
  middleName: null,
  lastName: null,
  email: null,
  phone: null,
}

/** The members of `Company`, in their documented order. */
export const COMPANY_MEMBERS = Object.keys(NO_COMPANY) as readonly (keyof Company)[]

/** The members of a company to set, and its name. A member that is left out stays as it is; null empties it. */
export type CompanyChange = Partial<Company> & { readonly companyName?: string }

/** The most characters of a zip code and of a phone number. */
export const MAX_SHORT = 30

/** Returns the form in which the members are stored: the country in upper case. */
export function foldCompany(change: CompanyChange): CompanyChange {
  return typeof change.country === 'string' ? { ...change, country: change.country.toUpperCase() } : change
}

/**
 * Checks the members of a company that a call sets, by the rules that hold for customers and resellers.
 * @param by.country the country in which a national phone number is read
 * @returns one issue for each rule that is broken; `path` is the name of the member
 */
export function checkCompany(
  change: CompanyChange,
  by: { country: string | null; isPhone: PhoneCheck },
): Issue[] {
  const { companyName, country, zip = null, email = null, phone = null, ...texts } = change
  const issues = [...checkText('zip', zip), ...checkText('phone', phone), ...checkEmail('email', email)]
  for (const [member, text] of Object.entries(texts)) issues.push(...checkText(member, text))
  if (companyName !== undefined) {
    issues.push(...checkText('companyName', companyName))
    if (companyName.trim() === '')
      issues.push({
        path: 'companyName',
        rule: 'minLength',
        params: { min: 1 },
        message: 'must not be empty',
      })
  }
  if (country === null) issues.push({ path: 'country', rule: 'required', message: 'must not be empty' })
  else if (country !== undefined && !isCountry(country))
    issues.push({ path: 'country', rule: 'country', message: COUNTRY_MESSAGE })
  issues.push(...checkShort('zip', zip), ...checkShort('phone', phone))
  if (phone !== null && !by.isPhone(phone, by.country?.toUpperCase() ?? null))
    issues.push({ path: 'phone', rule: 'phone', message: PHONE_MESSAGE })
  return issues
}

function checkShort(path: string, text: string | null): Issue[] {
  const length = text === null ? 0 : countCodePoints(text)
  if (length <= MAX_SHORT) return []
  return [
    {
      path,
      rule: 'maxLength',
      params: { max: MAX_SHORT },
      message: `must have at most ${MAX_SHORT} characters; it has ${length}`,
    },
  ]
}

/** Returns the domain of an e-mail address, in the form in which domains are compared. */
export function domainOf(email: string | null): string | null {
  if (email === null) return null
  const folded = foldEmail(email)
  return folded.slice(folded.lastIndexOf('@') + 1)
}
