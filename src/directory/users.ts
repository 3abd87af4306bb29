import type { Context } from '../model/context.ts'
import { foldEmail } from '../model/email.ts'
import { assertValid, DirectoryError, type Issue } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import type { OrganizationKind } from '../model/organizations.ts'
import { checkNewUser, type Group, type NewUser, type User } from '../model/users.ts'
import { markAccountsOfUserRemoved } from '../store/accounts/changes.ts'
import type { UserRecord } from '../store/port.ts'
import { replaceMemberships, selectMemberships } from '../store/tables/groups.ts'
import {
  markUserDeleted,
  selectDeletedUser,
  selectUser,
  selectUserByEmail,
  selectUsers,
  updateRestoredUser,
} from '../store/tables/users.ts'
import type { CreateScope, Directory } from './directory.ts'
import { getGroups } from './groups.ts'
import { once } from './idempotency.ts'
import { getReachableOrganization, getReachableUser, getReseller, type Scope } from './reach.ts'
import { runRead, runUnit, type Unit } from './unit.ts'

export interface CreateUserRequest {
  readonly organizationId: string
  /** Refuses an organization of another kind as if it did not exist. */
  readonly kind?: OrganizationKind
  /** The reseller context; a reseller's own is implied. */
  readonly resellerId?: string | undefined
  readonly user: NewUser
  readonly idempotencyKey?: string | undefined
}

export interface CreateUserAnswer {
  readonly id: string
  /** Whether the user is new; false for one that was there already, and for one brought back. */
  readonly created: boolean
}

/**
 * Creates a user of an organization. The same create again writes nothing; a deleted user with the same e-mail
 * comes back with the new content.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `customer_not_found`, `organization_not_found`, `reseller_…`,
 *   `group_not_found`, `email_taken`, `id_taken`, `idempotency_key_reused`, `store_unavailable`
 */
export function createUser(
  dir: Directory,
  ctx: Context,
  request: CreateUserRequest,
): Promise<CreateUserAnswer> {
  const { organizationId, user, idempotencyKey } = request
  const organization = organizationId.toLowerCase()
  const subject = { operation: 'CreateUser', organization, target: user.id ?? null } as const
  let runs = 0
  return runUnit(dir, ctx, subject, async (unit) => {
    // A unit that runs again may have failed because a cached scope is out of date.
    if (runs++ > 0) dir.createScopes.clear()
    assertValid(checkNewUser(user))
    const scope = await getCreateScope(dir, unit, request)
    const call = {
      key: idempotencyKey,
      request: [ctx.organization.id, request],
      replayed: ({ id }: CreateUserAnswer) => unit.audit({ outcome: 'replayed', target: id }),
    }
    return once(unit, ctx, call, async () => {
      const groups = selectGroups(await getGroups(dir, unit.tx, ctx), user.groupIds)
      const record = toRecord(unit, user, scope)
      if (await insertUser(unit, scope, record, groups)) return { id: record.id, created: true }
      // A cached scope may be out of date: a removed organization is reported before a taken id or e-mail.
      await readCreateScope(unit, request)
      return restoreOrRepeat(unit, record, groups, user.id !== undefined)
    })
  })
}

/**
 * Returns where the user is created, from a cache, so that most creates consist of the insert alone. The insert refuses
 * an organization or reseller that no longer exists.
 * @throws {DirectoryError} `customer_not_found`, `organization_not_found`, `reseller_…`
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

async function readCreateScope(unit: Scope, request: CreateUserRequest): Promise<CreateScope> {
  const organization = await getReachableOrganization(unit, {
    id: request.organizationId,
    kind: request.kind,
  })
  const reseller = await getReseller(unit, { id: request.resellerId, customer: organization })
  return { organization, reseller }
}

function toRecord(unit: Unit, user: NewUser, { organization, reseller }: CreateScope): UserRecord {
  return {
    id: user.id?.toLowerCase() ?? newId(),
    organizationPk: organization.pk,
    resellerPk: reseller?.pk ?? null,
    firstName: user.firstName,
    lastName: user.lastName,
    email: user.email,
    now: unit.now,
  }
}

/** Inserts a new user. Returns false, with nothing written, when the store refuses it; see `Tx.insertUsers`. */
async function insertUser(
  unit: Unit,
  { organization, reseller }: CreateScope,
  user: UserRecord,
  groups: Group[],
): Promise<boolean> {
  const [outcome] = await unit.tx.insertUsers([
    {
      user,
      organizationId: organization.id,
      resellerId: reseller?.id ?? null,
      emailKey: user.email === null ? null : foldEmail(user.email),
      groups,
      entry: unit.entry({ outcome: 'created', target: user.id, changedFields: contentOf(user, groups) }),
    },
  ])
  return outcome === 'inserted'
}

/** Restores the deleted user with the same e-mail, or finds the same user. */
async function restoreOrRepeat(
  unit: Unit,
  user: UserRecord,
  groups: Group[],
  idGiven: boolean,
): Promise<CreateUserAnswer> {
  const { tx } = unit
  const { email, organizationPk } = user
  const holder = email === null ? undefined : await selectUserByEmail(tx, organizationPk, email)
  const deleted = email === null || holder ? undefined : await selectDeletedUser(tx, organizationPk, email)
  if (deleted) return bringBack(unit, deleted, user, groups, idGiven)
  return repeat(unit, holder, user, groups, idGiven)
}

async function bringBack(
  unit: Unit,
  deleted: User,
  user: UserRecord,
  groups: Group[],
  idGiven: boolean,
): Promise<CreateUserAnswer> {
  if (idGiven && user.id !== deleted.id)
    throw idTaken('differs from the id of the deleted user with this e-mail')
  await updateRestoredUser(unit.tx, deleted.pk, user)
  await replaceMemberships(unit.tx, deleted.pk, groups)
  await unit.audit({ outcome: 'restored', target: deleted.id, changedFields: contentOf(user, groups) })
  return { id: deleted.id, created: false }
}

/** The insert met a user with this e-mail, the holder, or one with this id: the same create again, or a conflict. */
async function repeat(
  unit: Unit,
  holder: User | undefined,
  user: UserRecord,
  groups: Group[],
  idGiven: boolean,
): Promise<CreateUserAnswer> {
  const { tx } = unit
  const found = holder ?? (await selectUser(tx, user.id))
  const same =
    found !== undefined &&
    found.deletedAt === null &&
    isSameUser(found, user, idGiven) &&
    isSameSet(await selectMemberships(tx, found.pk), groups)
  if (same) {
    await unit.audit({ outcome: 'repeated', target: found.id })
    return { id: found.id, created: false }
  }
  if (holder) throw emailTaken()
  throw idTaken('belongs to another user')
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

/** The groups that the ids name, each once. */
function selectGroups(groups: readonly Group[], ids: readonly string[]): Group[] {
  const selected = new Set<Group>()
  const issues: Issue[] = []
  ids.forEach((id, i) => {
    const group = groups.find((one) => one.id === id.toLowerCase())
    if (group) selected.add(group)
    else issues.push({ path: `groupIds[${i}]`, rule: 'unknown', message: `is not the id of a group: ${id}` })
  })
  if (issues.length > 0) throw new DirectoryError('group_not_found', 'A group does not exist.', { issues })
  return [...selected]
}

/** The names of the members that hold something. */
function contentOf(user: UserRecord, groups: readonly Group[]): string[] {
  const fields: string[] = []
  if (user.firstName !== null) fields.push('firstName')
  if (user.lastName !== null) fields.push('lastName')
  if (user.email !== null) fields.push('email')
  if (groups.length > 0) fields.push('groups')
  return fields
}

function emailTaken(): DirectoryError {
  const message = 'belongs to another user of this organization'
  return new DirectoryError('email_taken', `The e-mail address ${message}.`, {
    issues: [{ path: 'email', rule: 'unique', message }],
  })
}

function idTaken(message: string): DirectoryError {
  return new DirectoryError('id_taken', `The id ${message}.`, {
    issues: [{ path: 'id', rule: 'unique', message }],
  })
}

/** Users of an organization within reach, by e-mail; see the store's function for paging. */
export function listUsers(
  dir: Directory,
  ctx: Context,
  request: { organizationId: string; after?: string | undefined; limit: number },
): Promise<(User & { groups: Group[] })[]> {
  return runRead(dir, ctx, 'ListUsers', async (scope) => {
    const { tx } = scope
    const organization = await getReachableOrganization(scope, { id: request.organizationId })
    const users = await selectUsers(tx, organization.pk, request)
    return Promise.all(users.map(async (user) => ({ ...user, groups: await selectMemberships(tx, user.pk) })))
  })
}

/**
 * Deletes a user: hidden in the directory, and gone from the platforms as soon as they have been reached.
 * @throws {DirectoryError} `user_not_found`
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
