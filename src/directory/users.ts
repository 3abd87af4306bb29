import type { Operation } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { foldEmail } from '../model/email.ts'
import { DirectoryError, type Issue } from '../model/error.ts'
import { foldId, foldOptionalId, newId } from '../model/ids.ts'
import type { Organization, OrganizationKind } from '../model/organizations.ts'
import { checkNewUser, type Group, type NewPerson, type NewUser, nameKeyOf } from '../model/users.ts'
import { selectAccountOfPerson } from '../store/accounts/people.ts'
import { ConstraintError, type NewUserRow } from '../store/port.ts'
import { selectTenantPlace } from '../store/tables/tenant-accounts.ts'
import { selectUserByEmail, touchUser } from '../store/tables/users.ts'
import { isPermitted } from './access.ts'
import { findAccountPlace, giveAccount } from './account-places.ts'
import type { CreateScope, Directory } from './directory.ts'
import { readGroups } from './groups.ts'
import { assertOwnReseller, getReachableOrganization, getReseller, type Scope } from './reach.ts'
import { type CreateUserResult, repeatCreate } from './repeated-creates.ts'
import {
  type AuditDetails,
  type Author,
  newAuthor,
  runUnit,
  type Subject,
  toUnavailable,
  type Unit,
} from './unit.ts'

/** A user to create, and where. */
export interface CreateUserRequest {
  readonly organizationId: string
  /** An organization of another kind is reported as missing. */
  readonly kind?: OrganizationKind
  /** The reseller for which the user is created. A calling reseller may leave out its own id. */
  readonly resellerId?: string | undefined
  readonly user: NewUser
}

/**
 * Creates a user of an organization. Repeating the create changes nothing. A deleted user with the same e-mail is
 * restored with the new content.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `customer_not_found`, `organization_not_found`,
 *   `reseller_not_found`, `reseller_not_own`, `reseller_not_related`, `group_not_found`, `email_taken`, `id_taken`,
 *   `idempotency_key_reused`, `store_unavailable`
 */
export async function createUser(
  dir: Directory,
  ctx: Context,
  sent: CreateUserRequest,
): Promise<CreateUserResult> {
  const request = foldIds(sent)
  const { organizationId: organization, resellerId: reseller, user } = request
  const issues = checkNewUser(user)
  const operation = CREATE_OPERATIONS[request.kind ?? 'customer']
  const subject = { operation, organization, reseller, target: user.id ?? null, issues } as const
  const created = await insertAlone(dir, ctx, { subject, request })
  if (created) return created
  return runUnit(dir, ctx, subject, async (unit) => {
    const scope = await getCreateScope(dir, unit, request)
    return insertOrRepeat(dir, unit, { request, scope })
  })
}

/** The operation that creates a user, by the kind of the organization. */
export const CREATE_OPERATIONS = {
  customer: 'CreateUser',
  reseller: 'CreateResellerUser',
  provider: 'CreateProviderUser',
} as const satisfies Record<OrganizationKind, Operation>

/** Folds the ids that a caller may have spelled in several ways. The nil UUID counts as no id. */
function foldIds(request: CreateUserRequest): CreateUserRequest {
  const { organizationId, resellerId, user } = request
  return {
    ...request,
    organizationId: foldId(organizationId),
    resellerId: foldOptionalId(resellerId),
    user: { ...user, id: foldOptionalId(user.id) },
  }
}

/**
 * Creates a user by one insert, if that is all it takes: what it needs is cached, and the store does not refuse the
 * user. Most creates do. Otherwise nothing is written, and a unit finds out why.
 * @throws {DirectoryError} `store_unavailable`
 */
async function insertAlone(
  dir: Directory,
  ctx: Context,
  { subject, request }: { subject: Subject; request: CreateUserRequest },
): Promise<CreateUserResult | undefined> {
  const scope = dir.createScopes.get(scopeKeyOf(ctx, request))
  const groups = dir.groups.get(ctx.organization.providerPk)
  const isPlain = scope?.givesAccounts === false && ctx.idempotency === undefined
  if (!isPlain || !groups || subject.issues?.length || !isPermitted(ctx, subject.operation)) return undefined
  try {
    const { person, details } = toPerson(request, scope, groups)
    const row = toNewUserRow(newAuthor(dir, ctx, subject), person, details)
    const outcome = await dir.store.insertUser(row)
    return outcome === 'refused' ? undefined : { id: row.user.id, created: true }
  } catch (error) {
    if (error instanceof DirectoryError || error instanceof ConstraintError) return undefined
    throw toUnavailable(error)
  }
}

function scopeKeyOf(ctx: Context, { organizationId, kind, resellerId }: CreateUserRequest): string {
  return `${ctx.organization.pk} ${organizationId} ${kind} ${resellerId}`
}

/**
 * Returns the organization and the reseller of a create, from a cache, so that most creates consist of the insert
 * alone. The insert refuses an organization or reseller that no longer exists.
 * @throws {DirectoryError} `customer_not_found`, `organization_not_found`, `reseller_not_found`, `reseller_not_own`,
 *   `reseller_not_related`
 */
async function getCreateScope(dir: Directory, unit: Scope, request: CreateUserRequest): Promise<CreateScope> {
  const key = scopeKeyOf(unit.ctx, request)
  let scope = dir.createScopes.get(key)
  if (!scope) {
    scope = await readCreateScope(unit, request)
    dir.createScopes.set(key, scope)
  }
  return scope
}

async function readCreateScope(
  unit: Scope,
  { organizationId: id, kind, resellerId }: CreateUserRequest,
): Promise<CreateScope> {
  assertOwnReseller(unit.ctx, resellerId)
  const organization = await getReachableOrganization(unit, { id, kind })
  // Only customers have tenants, and only their users are in the context of a reseller.
  if (organization.kind !== 'customer') return { organization, reseller: null, givesAccounts: false }
  const reseller = await getReseller(unit, { id: resellerId, customer: organization })
  const tenant = await selectTenantPlace(unit.tx, organization.pk)
  return { organization, reseller, givesAccounts: tenant?.accounts === 'everyone' }
}

/**
 * Inserts a new user. If the store refuses it, restores the deleted user with this e-mail, or returns the existing user
 * if it equals the request.
 */
async function insertOrRepeat(
  dir: Directory,
  unit: Unit,
  { request, scope }: { request: CreateUserRequest; scope: CreateScope },
): Promise<CreateUserResult> {
  const { providerPk } = unit.ctx.organization
  const groups = dir.groups.get(providerPk) ?? (await readGroups(dir, unit.tx, providerPk))
  const { person, details } = toPerson(request, scope, groups)
  const { id, pk } = await insertPerson(unit, person, details)
  if (pk !== 'refused') return { id, created: true }
  // A cached scope may be out of date: a removed organization is reported before a taken id or e-mail.
  await readCreateScope(unit, request)
  const beside = () => insertPerson(unit, { ...person, besideDeleted: true }, details)
  return repeatCreate(unit, { person, details }, beside)
}

/**
 * Returns the person to insert, and what their audit entry says.
 * @throws {DirectoryError} `group_not_found`
 */
function toPerson({ kind, user }: CreateUserRequest, scope: CreateScope, groups: readonly Group[]) {
  const person = { ...scope, ...user, groups: pickGroups(groups, user.groupIds) }
  const reseller = (kind === 'reseller' ? scope.organization : scope.reseller)?.id
  return { person, details: { outcome: 'created' as const, reseller, changedFields: listFields(person) } }
}

/**
 * Returns the groups with these ids, each of them once.
 * @throws {DirectoryError} `group_not_found`
 */
export function pickGroups(groups: readonly Group[], ids: readonly string[]): Group[] {
  const picked = new Set<Group>()
  const issues: Issue[] = []
  for (const [i, id] of ids.entries()) {
    const folded = foldId(id)
    const group = groups.find((one) => one.id === folded)
    if (group) picked.add(group)
    else issues.push({ path: `groupIds[${i}]`, rule: 'unknown', message: `is not the id of a group: ${id}` })
  }
  if (issues.length > 0) throw new DirectoryError('group_not_found', 'A group does not exist.', { issues })
  return [...picked]
}

/** Lists the members that are not empty, for the audit log. */
export function listFields(user: NewPerson): string[] {
  const fields: string[] = []
  if (user.firstName !== null) fields.push('firstName')
  if (user.lastName !== null) fields.push('lastName')
  if (user.email !== null) fields.push('email')
  if (user.groups.length > 0) fields.push('groups')
  return fields
}

/** Makes the row of a new user, with its audit entry; see `insertPerson`. */
export function toNewUserRow(author: Author, person: NewPerson, details: AuditDetails | null): NewUserRow {
  const { organization, reseller, firstName, lastName, email, groups, besideDeleted = false } = person
  const id = person.id ?? newId()
  const emailKey = email === null ? null : foldEmail(email)
  return {
    user: {
      id,
      organizationPk: organization.pk,
      resellerPk: reseller?.pk ?? null,
      providerPk: author.ctx.organization.providerPk,
      firstName,
      lastName,
      email,
      now: author.now,
    },
    organizationId: organization.id,
    resellerId: reseller?.id ?? null,
    emailKey,
    nameKey: nameKeyOf({ firstName, lastName, email, emailKey }),
    groups,
    idGiven: person.id !== undefined,
    besideDeleted,
    entry: details && author.entry({ target: id, ...details }),
  }
}

/**
 * Inserts a user, for every dialect and command. An import inserts many users together, with rows of `toNewUserRow`. If
 * everyone of the organization gets an account, so does the user.
 * @param details what the audit entry of the user says; null if another entry of the unit says it
 * @returns the id and the primary key; `refused` if the id or the e-mail is taken, a deleted user has the e-mail, or
 *   the organization or the reseller was deleted
 */
async function insertPerson(
  unit: Unit,
  person: NewPerson,
  details: AuditDetails | null,
): Promise<{ id: string; pk: number | 'refused' }> {
  const { organization } = person
  const row = toNewUserRow(unit, person, details)
  const { id } = row.user
  const place = person.givesAccounts ? await findAccountPlace(unit, organization.pk) : null
  const [pk = 'refused'] = await unit.tx.insertUsers([row])
  if (place && pk !== 'refused')
    await giveAccount(unit, { user: { pk, id }, organizationId: organization.id, place })
  return { id, pk }
}

/** The user that a new account is for. */
export interface Owner {
  readonly pk: number
  readonly id: string
  /** Whether the user existed before. */
  readonly linked: boolean
  /** The primary key of the account that the user has without Cloud Director; null for none. */
  readonly account: number | null
}

/**
 * Finds the user that a new account is for: the user of the organization who has the account's e-mail, and no account
 * on the platform or one that Cloud Director does not know. If there is none, inserts a new user. If another user has
 * the e-mail, the new user gets none: accounts of several orgs may share an e-mail, users may not. The calling function
 * writes the audit entry.
 * @param account.email null for an account that cannot be linked
 */
export async function findOrInsertOwner(
  unit: Unit,
  account: { organization: Pick<Organization, 'pk' | 'id'>; platform: string; email: string | null },
): Promise<Owner> {
  const { tx, now } = unit
  const { organization, platform, email } = account
  const user = email === null ? undefined : await selectUserByEmail(tx, organization.pk, email)
  const former = user && (await selectAccountOfPerson(tx, user.pk, platform))
  if (user && (!former || (former.exists && !former.isNamed))) {
    // Changes the row, so that a concurrent deletion of the user conflicts, runs again, and removes the account too.
    await touchUser(tx, user.pk, now)
    return { pk: user.pk, id: user.id, linked: true, account: former?.pk ?? null }
  }
  const person = { organization, reseller: null, firstName: null, lastName: null, email, groups: [] }
  let made = await insertPerson(unit, { ...person, besideDeleted: true }, null)
  if (made.pk === 'refused') made = await insertPerson(unit, { ...person, email: null }, null)
  return { pk: made.pk as number, id: made.id, linked: false, account: null }
}
