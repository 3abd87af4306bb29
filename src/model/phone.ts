import type { CountryCode } from 'libphonenumber-js/min'

/** Says what a `PhoneCheck` requires. */
export const PHONE_MESSAGE =
  'must be a phone number of its country, or an international one that begins with +'

/**
 * Returns whether a text is a phone number: a national number of the country, or an international number of any
 * country.
 * @param country an ISO 3166-1 alpha-2 code in upper case; null if it is not known, so that only international numbers
 *   pass
 */
export type PhoneCheck = (text: string, country: string | null) => boolean

/**
 * Returns a check by the numbering plans of libphonenumber. They take 40 ms to load, which a start does not have, so
 * they are loaded by the first call.
 */
export async function loadPhoneCheck(): Promise<PhoneCheck> {
  const { isSupportedCountry, parsePhoneNumberFromString } = await import('libphonenumber-js/min')
  return (text, country) => {
    const plan = country !== null && isSupportedCountry(country) ? (country as CountryCode) : undefined
    const options = { extract: false, ...(plan && { defaultCountry: plan }) }
    return parsePhoneNumberFromString(text, options)?.isValid() ?? false
  }
}
