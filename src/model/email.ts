import type { Issue } from './error.ts'
import { checkText } from './text.ts'

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
 * Returns whether a text is a DNS name: letters, digits and hyphens of any script, at most 253 characters. One label is
 * enough (`localhost`).
 */
export function isDomain(text: string): boolean {
  return text.length <= 253 && DOMAIN.test(text)
}

/** Returns the form in which e-mail addresses are compared: canonical composition, lower case. */
export function foldEmail(email: string): string {
  return email.normalize('NFC').toLowerCase()
}

// Matching takes linear time: no two neighbouring parts of an expression match the same character.
const LOCAL = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u
const DOMAIN =
  /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?)*$/u
