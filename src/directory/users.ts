import type { Context } from '../model/context.ts'
import { foldEmail } from '../model/email.ts'
import { DirectoryError, type Issue } from '../model/error.ts'
import { foldId, foldOptionalId, newId } from '../model/ids.ts'
import type { OrganizationKind } from '../model/organizations.ts'
import { checkNewUser, type Group, type NewUser, type User } from '../model/users.ts'
import { hasAccount } from '../store/accounts/accounts.ts'
import { markAccountsOfUserRemoved } from '../store/accounts/changes.ts'
import type { UserRecord } from '../store/port.ts'
import { replaceMemberships, selectMemberships } from '../store/tables/groups.ts'
import { isIdTaken } from '../store/tables/ids.ts'
import {
  insertUser,
  markUserDeleted,
  selectDeletedUser,
  selectUser,
  selectUserByEmail,
  selectUsers,
  touchUser,
  updateRestoredUser,
} from '../store/tables/users.ts'
import type { CreateScope, Directory } from './directory.ts'
import { readGroups } from './groups.ts'
import { runOnce } from './idempotency.ts'
import { getReachableOrganization, getReachableUser, getReseller, type Scope } from './reach.ts'
import { runRead, runUnit, type Unit } from './unit.ts'

/** A user to create, and where. */
export interface CreateUserRequest {
  readonly organizationId: string
  /** An organization of another kind is reported as missing. */
  readonly kind?: OrganizationKind
  /** The reseller for which the user is created. A calling reseller may leave out its own id. */
  readonly resellerId?: string | undefined
  readonly user: NewUser
  /** For 24 hours, a repeated call with this idempotency key gets the first response; see `runOnce`. */
  readonly idempotencyKey?: string | undefined
}

/** The result of a create. */
export interface CreateUserAnswer {
  readonly id: string
  /** Whether the user is new; false for a user that existed or was restored. */
  readonly created: boolean
}

/**
 * Creates a user of an organization. Repeating the create changes nothing. A deleted user with the same e-mail is
 * restored with the new content.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `customer_not_found`, `organization_not_found`,
 *   `reseller_not_found`, `reseller_not_own`, `reseller_not_related`, `group_not_found`, `email_taken`, `id_taken`,
 *   `idempotency_key_reused`, `store_unavailable`
 */
export function createUser(dir: Directory, ctx: Context, sent: CreateUserRequest): Promise<CreateUserAnswer> {
  const request = foldIds(sent)
  const { organizationId: organization, user, idempotencyKey: key } = request
  const issues = checkNewUser(user)
  const subject = { operation: 'CreateUser', organization, target: user.id ?? null, issues } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const scope = await getCreateScope(dir, unit, request)
    const create = (): Promise<CreateUserAnswer> => insertOrRepeat(dir, unit, { request, scope })
    if (key === undefined) return create()
    const compared = [ctx.organization.id, foldContent(request)]
    const { answer, replayed } = await runOnce(unit, { key, request: compared }, create)
    if (replayed) await unit.audit({ outcome: 'replayed', target: answer.id })
    return answer
  })
}

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

/** Folds the other members too, so that another spelling of one request has the same fingerprint. */
function foldContent(request: CreateUserRequest): CreateUserRequest {
  const { email, groupIds } = request.user
  const folded = { email: email === null ? null : foldEmail(email), groupIds: groupIds.map(foldId) }
  return { ...request, user: { ...request.user, ...folded } }
}

/**
 * Returns the organization and the reseller of a create, from a cache, so that most creates consist of the insert
 * alone. The insert refuses an organization or reseller that no longer exists.
 * @throws {DirectoryError} `customer_not_found`, `organization_not_found`, `reseller_not_found`, `reseller_not_own`,
 *   `reseller_not_related`
 */
async function getCreateScope(dir: Directory, unit: Scope, request: CreateUserRequest): Promise<CreateScope> {
  const { organizationId, kind, resellerId } = request
  const key = `${unit.ctx.organization.pk} ${organizationId} ${kind} ${resellerId}`
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
  const organization = await getReachableOrganization(unit, { id, kind })
  return { organization, reseller: await getReseller(unit, { id: resellerId, customer: organization }) }
}

/**
 * Inserts a new user. If the store refuses it, restores the deleted user with this e-mail, or returns the existing user
 * if it equals the request.
 */
async function insertOrRepeat(
  dir: Directory,
  unit: Unit,
  { request, scope }: { request: CreateUserRequest; scope: CreateScope },
): Promise<CreateUserAnswer> {
  const { user } = request
  const { providerPk } = unit.ctx.organization
  const allGroups = dir.groups.get(providerPk) ?? (await readGroups(dir, unit.tx, providerPk))
  const groups = pickGroups(allGroups, user.groupIds)
  const record = toUserRecord(unit, scope.organization.pk, {
    ...user,
    resellerPk: scope.reseller?.pk,
  })
  const [outcome] = await unit.tx.insertUsers([
    {
      user: record,
      organizationId: scope.organization.id,
      resellerId: scope.reseller?.id ?? null,
      emailKey: record.email === null ? null : foldEmail(record.email),
      groups,
      idGiven: user.id !== undefined,
      entry: unit.entry({ outcome: 'created', target: record.id, changedFields: listFields(record, groups) }),
    },
  ])
  if (outcome === 'inserted') return { id: record.id, created: true }
  // A cached scope may be out of date: a removed organization is reported before a taken id or e-mail.
  await readCreateScope(unit, request)
  return restoreOrRepeat(unit, { record, groups, idGiven: user.id !== undefined })
}

/** Returns the groups with these ids, each of them once. */
function pickGroups(groups: readonly Group[], ids: readonly string[]): Group[] {
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

/** The content of a new user. An id that is left out is generated; other members that are left out are null. */
interface UserContent {
  readonly id?: string | undefined
  readonly resellerPk?: number | undefined
  readonly firstName?: string | null
  readonly lastName?: string | null
  readonly email: string | null
}

/** Makes the row of a new user. All rows of users are made here. */
function toUserRecord(unit: Unit, organizationPk: number, content: UserContent): UserRecord {
  return {
    id: content.id ?? newId(),
    organizationPk,
    resellerPk: content.resellerPk ?? null,
    firstName: content.firstName ?? null,
    lastName: content.lastName ?? null,
    email: content.email,
    now: unit.now,
  }
}

/** Lists the members that are not empty, for the audit log. */
function listFields(user: UserRecord, groups: readonly Group[]): string[] {
  const fields: string[] = []
  if (user.firstName !== null) fields.push('firstName')
  if (user.lastName !== null) fields.push('lastName')
  if (user.email !== null) fields.push('email')
  if (groups.length > 0) fields.push('groups')
  return fields
}

/** The user that a new account is for. */
export interface Owner {
  readonly pk: number
  readonly id: string
  /** Whether the user existed before the account. */
  readonly linked: boolean
}

/**
 * Finds the user that a new account is for: the user of the organization who has the account's e-mail and no account on
 * the platform. If there is none, inserts a new user. If another user has the e-mail, the new user gets none: accounts
 * of several orgs may share an e-mail, users may not. The calling function writes the audit entry.
 * @param account.email null for an account that cannot be linked
 */
export async function findOrInsertOwner(
  unit: Unit,
  account: { organizationPk: number; platform: string; email: string | null },
): Promise<Owner> {
  const { tx, now } = unit
  const { organizationPk, platform, email } = account
  const user = email === null ? undefined : await selectUserByEmail(tx, organizationPk, email)
  if (user && !(await hasAccount(tx, user.pk, platform))) {
    // Changes the row, so that a concurrent deletion of the user conflicts, runs again, and removes the account too.
    await touchUser(tx, user.pk, now)
    return { pk: user.pk, id: user.id, linked: true }
  }
  const record = toUserRecord(unit, organizationPk, { email })
  const pk = (await insertUser(tx, record)) ?? (await insertUser(tx, { ...record, email: null }))
  return { pk: pk as number, id: record.id, linked: false }
}

/** A user that the store refused to insert. */
interface RefusedUser {
  readonly record: UserRecord
  readonly groups: readonly Group[]
  /** Whether the caller chose the id. */
  readonly idGiven: boolean
}

/** Restores the deleted user with this e-mail, or returns the existing user if it equals the request. */
async function restoreOrRepeat(unit: Unit, refused: RefusedUser): Promise<CreateUserAnswer> {
  const { tx } = unit
  const { email, organizationPk } = refused.record
  const holder = email === null ? undefined : await selectUserByEmail(tx, organizationPk, email)
  const deleted = email === null || holder ? undefined : await selectDeletedUser(tx, organizationPk, email)
  return deleted ? restore(unit, deleted, refused) : repeat(unit, holder, refused)
}

async function restore(
  unit: Unit,
  deleted: User,
  { record, groups, idGiven }: RefusedUser,
): Promise<CreateUserAnswer> {
  if (idGiven && record.id !== deleted.id)
    throw wrongId((await isIdTaken(unit.tx, record.id)) ? ID_TAKEN : ID_DIFFERS)
  await updateRestoredUser(unit.tx, deleted.pk, record)
  await replaceMemberships(unit.tx, deleted.pk, groups)
  await unit.audit({ outcome: 'restored', target: deleted.id, changedFields: listFields(record, groups) })
  return { id: deleted.id, created: false }
}

/** Returns the existing user if it equals the request, as after an earlier create. Otherwise throws the conflict. */
async function repeat(
  unit: Unit,
  holder: User | undefined,
  { record, groups, idGiven }: RefusedUser,
): Promise<CreateUserAnswer> {
  const { tx } = unit
  const found = (idGiven ? await selectUser(tx, record.id) : undefined) ?? holder
  const isSame =
    found !== undefined &&
    found.deletedAt === null &&
    isSameUser(found, record, idGiven) &&
    isSameSet(await selectMemberships(tx, found.pk), groups)
  if (isSame) {
    await unit.audit({ outcome: 'repeated', target: found.id })
    return { id: found.id, created: false }
  }
  if (holder) throw emailTaken()
  throw wrongId(ID_TAKEN)
}

function isSameUser(found: User, user: UserRecord, idGiven: boolean): boolean {
  return (
    found.organizationPk === user.organizationPk &&
    found.resellerPk === user.resellerPk &&
    found.firstName === user.firstName &&
    found.lastName === user.lastName &&
    isSameEmail(found.email, user.email) &&
    (!idGiven || found.id === user.id)
  )
}

function isSameEmail(one: string | null, other: string | null): boolean {
  return one === null || other === null ? one === other : foldEmail(one) === foldEmail(other)
}

function isSameSet(one: readonly Group[], other: readonly Group[]): boolean {
  return one.length === other.length && other.every((group) => one.some(({ pk }) => pk === group.pk))
}

function emailTaken(): DirectoryError {
  const message = 'belongs to another user of this organization'
  return new DirectoryError('email_taken', `The e-mail address ${message}.`, {
    issues: [{ path: 'email', rule: 'unique', message }],
  })
}

const ID_TAKEN = 'is taken; leave it out, or send another one'
const ID_DIFFERS = 'differs from the id of the deleted user with this e-mail; leave it out, or send that id'

function wrongId(message: string): DirectoryError {
  return new DirectoryError('id_taken', `The id ${message}.`, {
    issues: [{ path: 'id', rule: 'unique', message }],
  })
}

/** A user with the groups that they are in. */
export type ListedUser = User & { readonly groups: readonly Group[] }

/**
 * Lists the users of an organization, ordered by e-mail, users without an e-mail first.
 * @param request.after the e-mail of the last user of the page before
 * @throws {DirectoryError} `not_permitted`, `organization_not_found`, `store_unavailable`
 */
export function listUsers(
  dir: Directory,
  ctx: Context,
  request: { organizationId: string; after?: string | undefined; limit: number },
): Promise<ListedUser[]> {
  return runRead(dir, ctx, 'ListUsers', async (scope) => {
    const { tx } = scope
    const organization = await getReachableOrganization(scope, { id: request.organizationId })
    const users = await selectUsers(tx, organization.pk, request)
    return Promise.all(users.map(async (user) => ({ ...user, groups: await selectMemberships(tx, user.pk) })))
  })
}

/**
 * Deletes a user. The directory hides the user at once; their accounts are removed from the platforms after that.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function deleteUser(dir: Directory, ctx: Context, id: string): Promise<void> {
  return runUnit(dir, ctx, { operation: 'DeleteUser', target: id }, async (unit) => {
    const { user, organization } = await getReachableUser(unit, id)
    await markUserDeleted(unit.tx, user.pk, unit.now)
    await markAccountsOfUserRemoved(unit.tx, user.pk, unit.now)
    await unit.audit({
      outcome: 'deleted',
      organization: organization.id,
      target: user.id,
      changedFields: ['deletedAt'],
    })
  })
}
