import type { AccountPlace } from '../model/accounts.ts'
import {
  insertAccountOfPerson,
  selectAccountOfPerson,
  updateKeptAccount,
  updateRenewedAccount,
} from '../store/accounts/people.ts'
import { selectTenantPlace, type TenantPlace } from '../store/tables/tenant-accounts.ts'
import { getOwnerForm } from './directory.ts'
import type { Unit } from './unit.ts'

/** A person, and the organization that they belong to. */
export interface PersonIds {
  readonly pk: number
  readonly id: string
}

/**
 * Returns where everyone of an organization gets an account, or null if Cloud Director names who gets one.
 * @throws {DirectoryError} `platform_unavailable` if the tenant's platform is not configured in this process
 */
export async function findAccountPlace(
  unit: Pick<Unit, 'tx' | 'ownerForms'>,
  organization: number,
): Promise<AccountPlace | null> {
  const tenant = await selectTenantPlace(unit.tx, organization)
  return tenant?.accounts === 'everyone' ? toPlace(unit, tenant) : null
}

/**
 * Returns the place of accounts in a tenant.
 * @throws {DirectoryError} `platform_unavailable` if the tenant's platform is not configured in this process
 */
export function toPlace(unit: Pick<Unit, 'ownerForms'>, tenant: TenantPlace): AccountPlace {
  const { pk: tenantPk, id: tenantId, platform } = tenant
  return { tenantPk, tenantId, platform, ownerForm: getOwnerForm(unit, platform) }
}

/**
 * What became of a person without an account: `given` one, `had` one already, or `waits`, because a removal with data
 * runs, which cannot be taken back.
 */
export type GivenAccount = 'given' | 'had' | 'waits'

/**
 * Gives a person an account without keys, in the unit that creates or restores them, and writes the audit entry. The
 * platform has it once the reconciler has applied it.
 * @param person.isBack whether the person was deleted: an account that kept its data then works again, with new keys
 *   only
 */
export async function giveAccount(
  unit: Unit,
  person: {
    readonly user: PersonIds
    readonly organizationId: string
    readonly place: AccountPlace
    readonly isBack?: boolean
  },
): Promise<GivenAccount> {
  const { tx, now } = unit
  const { user, place, isBack = false } = person
  const former = await selectAccountOfPerson(tx, user.pk, place.platform)
  if (former?.isBeingPurged) return 'waits'
  if (former?.exists && !isBack) return 'had'
  if (!former) await insertAccountOfPerson(tx, { user, place, now })
  else if (former.exists) await updateKeptAccount(tx, former.pk, now)
  else await updateRenewedAccount(tx, former.pk, { user, place, now })
  await unit.audit({
    operation: 'CreateAccount',
    outcome: former ? 'restored' : 'created',
    organization: person.organizationId,
    target: user.id,
    changedFields: ['account'],
  })
  return 'given'
}
