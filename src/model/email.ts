import { domainToASCII } from 'node:url'
import type { Issue } from './error.ts'
import { checkText, foldCase, isAscii } from './text.ts'

/** Says what `isEmail` requires. */
export const EMAIL_MESSAGE = 'must be an e-mail address'

/**
 * Returns whether a text is an e-mail address: a dot-atom (RFC 5322) or its UTF-8 form (RFC 6531), and a domain.
 * `checkEmail` limits its length. A local part of more than 64 octets (RFC 5321) passes: the mail system may
 * refuse it. Quoted local parts and address literals do not pass: no identity provider issues them, and they can hide
 * special characters.
 */
export function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  return at > 0 && LOCAL.test(text.slice(0, at)) && isDomain(text.slice(at + 1))
}

/** Checks an e-mail address of at most 255 code points. Null passes. */
export function checkEmail(path: string, email: string | null): Issue[] {
  if (email === null) return []
  const issues = checkText(path, email)
  if (!isEmail(email)) issues.push({ path, rule: 'email', message: EMAIL_MESSAGE })
  return issues
}

/**
 * Returns the form in which e-mail addresses are compared: the local part as `foldCase` returns it, the domain as
 * `toAsciiDomain` does. Addresses are stored and returned as their callers spelled them.
 */
export function foldEmail(email: string): string {
  if (isAscii(email)) return email.toLowerCase()
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1)
  // Stores of older versions hold addresses whose domain has no ASCII form.
  return foldCase(email.slice(0, at + 1)) + (toAsciiDomain(domain) ?? foldCase(domain))
}

/** Returns whether two e-mail addresses are the same, compared as `foldEmail` folds them. */
export function isSameEmail(one: string | null, other: string | null): boolean {
  return one === null || other === null ? one === other : foldEmail(one) === foldEmail(other)
}

/**
 * Returns whether a text is a DNS name: letters, digits and hyphens of any script, at most 253 characters. One label is
 * enough (`localhost`). A name in other scripts must have an ASCII form: see `toAsciiDomain`.
 */
export function isDomain(text: string): boolean {
  return isDomainLike(text) && toAsciiDomain(text) !== undefined
}

/**
 * Returns the ASCII form of a DNS name, in which names are compared: UTS 46, non-transitional, so `faß.example` becomes
 * `xn--fa-hia.example` and not `fass.example`. A name in ASCII only becomes lower case.
 * @returns undefined for a name that DNS cannot hold, for example because a label is too long in its ASCII form
 */
export function toAsciiDomain(name: string): string | undefined {
  if (isAscii(name)) return name.toLowerCase()
  if (!CONVERTIBLE.test(name)) return undefined
  // The added label keeps the URL rules from reading a name that ends in digits as an IPv4 address.
  const ascii = domainToASCII(`${name}.a`).slice(0, -2)
  return isDomainLike(ascii) ? ascii : undefined
}

function isDomainLike(text: string): boolean {
  return text.length <= 253 && DOMAIN.test(text)
}

// Matching takes linear time: no two neighbouring parts of an expression match the same character.
const LOCAL = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u
const DOMAIN =
  /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?)*$/u

/** Letters, digits, hyphens and the four dots of UTS 46. The conversion would cut or decode other characters. */
const CONVERTIBLE = /^[\p{L}\p{N}\p{M}.\u3002\uff0e\uff61-]{1,253}$/u
