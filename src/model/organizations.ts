import { domainToASCII } from 'node:url'
import { isDomain } from './email.ts'
import type { Issue } from './error.ts'
import { checkText } from './text.ts'

export type OrganizationKind = 'provider' | 'reseller' | 'customer'

/** A node of the tree: the provider at the root, resellers and customers below it. */
export interface Organization {
  readonly pk: number
  readonly id: string
  readonly kind: OrganizationKind
  readonly name: string
  /** The provider that a reseller or customer belongs to; a provider's own pk for itself. */
  readonly providerPk: number
  readonly createdAt: string
}

export function checkOrganizationName(name: string): Issue[] {
  if (name.trim() === '') return [{ path: 'name', rule: 'minLength', message: 'must not be empty' }]
  return checkText('name', name)
}

/** The form in which domains are stored and compared: ASCII (RFC 5891), lower case, no trailing dot, no port. */
export function foldDomain(domain: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
  const ascii = /^[\x00-\x7f]*$/.test(domain) ? domain : domainToASCII(domain)
  return ascii.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
}

export function checkDomain(domain: string): Issue[] {
  return isDomain(foldDomain(domain))
    ? []
    : [{ path: 'domain', rule: 'domain', message: 'must be a DNS name' }]
}
