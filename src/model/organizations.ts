import type { Company } from './companies.ts'
import { isDomain, toAsciiDomain } from './email.ts'
import type { Issue } from './error.ts'
import { checkText } from './text.ts'

export const ORGANIZATION_KINDS = ['provider', 'reseller', 'customer'] as const
export type OrganizationKind = (typeof ORGANIZATION_KINDS)[number]

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

/** An organization with everything that is known about it. Its name is that of the company. */
export interface OrganizationRecord extends Organization {
  readonly company: Company
  /** The provider's own id of the organization. */
  readonly internalIdentifier: string | null
  /** ISO 8601; null for an organization that is not suspended. */
  readonly suspendedAt: string | null
  readonly deletedAt: string | null
}

/** A customer as one relation shows it: that to a reseller, or that to the provider. */
export interface CustomerRecord extends OrganizationRecord {
  /** The reseller of the relation; null for the provider's. `internalIdentifier` belongs to the relation. */
  readonly resellerId: string | null
  readonly tenants: readonly { readonly id: string; readonly platform: string; readonly name: string }[]
}

/**
 * Checks the name of an organization: at most 255 code points, not only blanks.
 * @param path what the caller calls the name
 */
export function checkOrganizationName(name: string, path = 'name'): Issue[] {
  if (name.trim() === '')
    return [{ path, rule: 'minLength', params: { min: 1 }, message: 'must not be empty' }]
  return checkText(path, name)
}

/**
 * Returns the form in which the domains of portals are stored and compared: see `toAsciiDomain`, without a port and
 * without a dot at its end. A text that is not a domain is returned in lower case.
 */
export function foldDomain(domain: string): string {
  const name = domain.replace(/:\d+$/, '').replace(/[.\u3002\uff0e\uff61]$/, '')
  return toAsciiDomain(name) ?? name.toLowerCase()
}

/**
 * Checks the domain of a portal, in any form that `foldDomain` takes.
 * @param path what the caller calls the domain
 */
export function checkDomain(domain: string, path = 'domain'): Issue[] {
  return isDomain(foldDomain(domain)) ? [] : [{ path, rule: 'domain', message: 'must be a DNS name' }]
}
