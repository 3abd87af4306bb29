import type { PersonAccount } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { isUuid } from '../model/ids.ts'
import { markAccountRemoved, updateAccountEnabled } from '../store/accounts/changes.ts'
import { selectPersonAccounts } from '../store/accounts/views.ts'
import { selectTenantPlace } from '../store/tables/tenant-accounts.ts'
import { touchUser } from '../store/tables/users.ts'
import { giveAccount, toPlace } from './account-places.ts'
import type { Directory } from './directory.ts'
import { getReachableUser, type ReachableUser, type Scope } from './reach.ts'
import { runUnit } from './unit.ts'

/** Names a user by their id. If a customer is given, the user must belong to it. */
export interface PersonRef {
  readonly userId: string
  readonly customerId?: string | undefined
}

/** A live user within reach, and the account that they have. */
interface Holder extends ReachableUser {
  readonly account: PersonAccount
}

/**
 * Returns a user within reach.
 * @throws {DirectoryError} `user_not_found`, `customer_not_found`
 */
function getPerson(scope: Scope, { userId, customerId }: PersonRef): Promise<ReachableUser> {
  const organization = customerId === undefined ? undefined : ({ id: customerId, kind: 'customer' } as const)
  return getReachableUser(scope, { user: userId, organization })
}

/**
 * Returns the account of a user within reach.
 * @throws {DirectoryError} `user_not_found`, `customer_not_found`, `account_not_found`
 */
export async function getHolder(scope: Scope, ref: PersonRef): Promise<Holder> {
  const person = await getPerson(scope, ref)
  const account = await findAccount(scope, person)
  if (account) return { ...person, account }
  throw new DirectoryError('account_not_found', `The user ${person.user.id} has no account.`)
}

/** Returns the account that a user has; undefined if they have none, or if it is being removed. */
async function findAccount({ tx }: Scope, { user }: ReachableUser): Promise<PersonAccount | undefined> {
  return (await selectPersonAccounts(tx, user.pk)).find(({ state }) => state !== 'removed')
}

/**
 * Gives a user an account in the tenant of their customer, without keys, whether Cloud Director names them or not. A
 * user who has one keeps it unchanged.
 * @returns the account, and whether it is new
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `customer_not_found`; `no_tenant` if the user's
 *   organization has none; `account_being_removed` while a former account is removed with its data;
 *   `platform_unavailable`, `store_unavailable`
 */
export function createPersonAccount(
  dir: Directory,
  ctx: Context,
  ref: PersonRef,
): Promise<{ account: PersonAccount; created: boolean }> {
  return runUnit(dir, ctx, toSubject('CreateUserAccount', ref), async (unit) => {
    const person = await getPerson(unit, ref)
    const { user, organization } = person
    const present = await findAccount(unit, person)
    if (present) {
      await unit.audit({ outcome: 'repeated', ...about(person) })
      return { account: present, created: false }
    }
    const tenant = await selectTenantPlace(unit.tx, organization.pk)
    if (!tenant) throw noTenant(organization)
    // Changes the row, so that a concurrent deletion of the user conflicts, runs again, and removes the account too.
    await touchUser(unit.tx, user.pk, unit.now)
    const place = toPlace(unit, tenant)
    const given = await giveAccount(unit, { user, organizationId: organization.id, place })
    if (given === 'waits') throw beingRemoved()
    return { account: (await findAccount(unit, person)) as PersonAccount, created: true }
  })
}

function toSubject<O extends string>(operation: O, { userId, customerId }: PersonRef) {
  return { operation, target: toUserTarget(userId), organization: customerId ?? null }
}

/** Returns what an entry names of the user of a call: no e-mail address, because entries are kept for ever. */
export function toUserTarget(userId: string): string | null {
  return isUuid(userId) ? userId : null
}

/** Returns the members of an entry that name a user and their organization. */
function about({ user, organization }: ReachableUser) {
  return { organization: organization.id, target: user.id }
}

function noTenant({ id, kind }: ReachableUser['organization']): DirectoryError {
  const message =
    kind === 'customer'
      ? `The customer ${id} has no place on a storage platform; give the customer a tenant first.`
      : `Only users of customers have accounts on a storage platform, and ${id} is a ${kind}.`
  return new DirectoryError('no_tenant', message)
}

function beingRemoved(): DirectoryError {
  const message = "The removal of the user's former account is not finished; repeat the call."
  return new DirectoryError('account_being_removed', message)
}

/**
 * Suspends or resumes the account of a user. It works if the user and their customer are active too. Its keys keep
 * their own status.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `customer_not_found`, `account_not_found`,
 *   `store_unavailable`
 */
export function updatePersonAccount(
  dir: Directory,
  ctx: Context,
  request: PersonRef & { readonly active: boolean },
): Promise<PersonAccount> {
  const { active: enabled } = request
  return runUnit(dir, ctx, toSubject('UpdateUserAccount', request), async (unit) => {
    const holder = await getHolder(unit, request)
    const { account } = holder
    if (account.enabled === enabled) {
      await unit.audit({ outcome: 'repeated', ...about(holder) })
      return account
    }
    await updateAccountEnabled(unit.tx, account.pk, { enabled, now: unit.now })
    const changes = [{ name: 'enabled', before: account.enabled, after: enabled }]
    await unit.audit({ outcome: enabled ? 'resumed' : 'suspended', ...about(holder), changes })
    return (await findAccount(unit, holder)) as PersonAccount
  })
}

/**
 * Removes the account of a user, who stays. Its keys stop working.
 * @param request.purge whether its data is deleted too. If not, an account that owns data comes back
 * @returns the account, for a caller who waits for the platform; null if the user has none
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `customer_not_found`, `store_unavailable`
 */
export function deletePersonAccount(
  dir: Directory,
  ctx: Context,
  request: PersonRef & { readonly purge: boolean },
): Promise<PersonAccount | null> {
  const { purge } = request
  return runUnit(dir, ctx, toSubject('DeleteUserAccount', request), async (unit) => {
    const person = await getPerson(unit, request)
    const [account] = await selectPersonAccounts(unit.tx, person.user.pk)
    if (!account) return null
    // A removal that runs goes on; it becomes one with data if this call asks for that.
    if (account.state === 'removed' && !purge) return account
    await markAccountRemoved(unit.tx, account.pk, { purge, now: unit.now })
    await unit.audit({
      outcome: 'deleted',
      ...about(person),
      changedFields: purge ? ['account', 'data'] : ['account'],
      changes: [{ name: 'account', before: account.canonicalUserId, after: null }],
    })
    const [removed = null] = await selectPersonAccounts(unit.tx, person.user.pk)
    return removed
  })
}
