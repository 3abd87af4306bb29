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

/** A DNS domain that belongs to a provider or a reseller and selects the context of a call. */
export interface Portal {
  readonly pk: number
  readonly domain: string
  readonly organizationPk: number
}

export function checkOrganizationName(name: string): Issue[] {
  if (name.trim() === '') return [{ path: 'name', rule: 'minLength', message: 'must not be empty' }]
  return checkText('name', name)
}

/** The form in which domains are stored and compared: lower case, no trailing dot, no port. */
export function foldDomain(domain: string): string {
  return domain.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
}

export function checkDomain(domain: string): Issue[] {
  return isDomain(foldDomain(domain))
    ? []
    : [{ path: 'domain', rule: 'domain', message: 'must be a DNS name' }]
}
