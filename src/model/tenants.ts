import type { Issue } from './error.ts'
import { checkText } from './text.ts'

/** A customer's place on an object-storage platform. */
export interface Tenant {
  readonly pk: number
  /** `tenant_id` on the wire; ours, and never changed. */
  readonly id: string
  readonly organizationPk: number
  readonly organizationId: string
  readonly providerPk: number
  readonly platform: string
  readonly name: string
  /** Cloud Director org ids mapped onto the tenant, as received, in the order received. */
  readonly orgIds: readonly string[]
}

export interface NewTenant {
  readonly name: string
  readonly orgIds: readonly string[]
}

export function checkNewTenant(tenant: NewTenant): Issue[] {
  return [...checkText('name', tenant.name, { min: 1 }), ...checkOrgIds(tenant.orgIds)]
}

export function checkOrgIds(orgIds: readonly string[]): Issue[] {
  return orgIds.flatMap((id, i) => checkText(`cd_tenant_ids[${i}]`, id, { min: 1 }))
}
