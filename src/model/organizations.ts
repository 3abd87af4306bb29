import { domainToASCII } from 'node:url'
import { isDomain } from './email.ts'
import type { Issue } from './error.ts'
import { checkText } from './text.ts'

export type OrganizationKind = 'provider' | 'reseller' | 'customer'

/** A node of the tree of organizations: a provider is a root, its resellers and customers are below it. */
export interface Organization {
  readonly pk: number
  readonly id: string
  readonly kind: OrganizationKind
  readonly name: string
  /** The primary key of the provider above a reseller or customer; for a provider, its own primary key. */
  readonly providerPk: number
  readonly createdAt: string
}

/**
 * Checks the name of an organization: at most 255 code points, not only blanks.
 * @param path what the caller calls the name
 */
export function checkOrganizationName(name: string, path = 'name'): Issue[] {
  if (name.trim() === '') return [{ path, rule: 'minLength', message: 'must not be empty' }]
  return checkText(path, name)
}

/**
 * Returns the form in which domains are stored and compared: ASCII (RFC 5891), lower case, no trailing dot, no port.
 */
export function foldDomain(domain: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
  const ascii = /^[\x00-\x7f]*$/.test(domain) ? domain : domainToASCII(domain)
  return ascii.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
}

/**
 * Checks the domain of a portal, in any form that `foldDomain` takes.
 * @param path what the caller calls the domain
 */
export function checkDomain(domain: string, path = 'domain'): Issue[] {
  return isDomain(foldDomain(domain)) ? [] : [{ path, rule: 'domain', message: 'must be a DNS name' }]
}
