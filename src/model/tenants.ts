import type { Issue } from './error.ts'
import { checkText } from './text.ts'

/** Who gets an account in a tenant: those whom Cloud Director names, or everyone of the customer. */
export const ACCOUNT_POLICIES = ['named', 'everyone'] as const
export type AccountPolicy = (typeof ACCOUNT_POLICIES)[number]

/** A customer's place on an object-storage platform. */
export interface Tenant {
  readonly pk: number
  /** Made by `newTenantId`; it never changes while the tenant exists. */
  readonly id: string
  readonly organizationPk: number
  readonly organizationId: string
  readonly providerPk: number
  readonly platform: string
  readonly name: string
  readonly accounts: AccountPolicy
  /** The Cloud Director orgs that are mapped to the tenant, in the order received. */
  readonly orgIds: readonly string[]
}

/** A tenant to create, with the Cloud Director orgs to map to it. */
export interface NewTenant {
  readonly name: string
  readonly orgIds: readonly string[]
}

/**
 * Checks a new tenant by the rules that hold for every caller.
 * @returns one issue for each rule that is broken; `path` is the name of the member
 */
export function checkNewTenant(tenant: NewTenant): Issue[] {
  return [...checkText('name', tenant.name, { min: 1 }), ...checkOrgIds(tenant.orgIds)]
}

/** Checks the ids of Cloud Director orgs. The `path` of an issue is `orgIds[0]`, `orgIds[1]` and so on. */
export function checkOrgIds(orgIds: readonly string[]): Issue[] {
  return orgIds.flatMap((id, i) => checkText(`orgIds[${i}]`, id, { min: 1 }))
}
