import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { foldId } from '../model/ids.ts'
import type { Session } from '../model/sessions.ts'
import {
  type ListedPerson,
  type PeopleArea,
  type PersonAccess,
  type PersonPosition,
  selectAccessOf,
  selectPeoplePage,
} from '../store/tables/people-lists.ts'
import { selectSessionsOf } from '../store/tables/sessions.ts'
import { isPermitted } from './access.ts'
import type { Directory } from './directory.ts'
import { getPermission } from './group-meanings.ts'
import { getGroups } from './groups.ts'
import { catchUpLists } from './list-follower.ts'
import { getReachableOrganization, getReachableUser, type Scope } from './reach.ts'
import { liveAt } from './sessions.ts'
import { runRead } from './unit.ts'

/** Where a page of people begins: the provider's own come first, then those of resellers. */
export interface PeoplePlace extends PersonPosition {
  readonly isOfReseller: boolean
}

/** Which people to list. */
export interface PeopleRequest {
  /** Only people of this organization. */
  readonly organizationId?: string | undefined
  readonly after?: PeoplePlace | undefined
  readonly limit: number
}

/** A user who may enter the console, unless they are suspended, and how they do. */
export interface PersonRow extends Pick<ListedPerson, 'user' | 'organization'>, PersonAccess {
  readonly permission: 'administrator' | 'viewer'
  readonly place: PeoplePlace
}

/**
 * Lists the people who may enter the console: for a provider those of itself and of its resellers; for an administrator
 * of a reseller those of this reseller; for its viewers themselves.
 * @returns one more than `limit`, if there are more
 * @throws {DirectoryError} `not_permitted`, `organization_not_found`, `store_unavailable`
 */
export async function listPeople(dir: Directory, ctx: Context, request: PeopleRequest): Promise<PersonRow[]> {
  if (isPermitted(ctx, 'ListPeople')) await catchUpLists(dir)
  return runRead(dir, ctx, 'ListPeople', async (scope) => {
    const { tx } = scope
    const known = await getGroups(dir, scope)
    const groups = known.filter((group) => getPermission([group])).map(({ pk }) => pk)
    const page = { groups, only: seesOnlySelf(ctx) ? callerId(ctx) : undefined }
    const found: Pick<PersonRow, 'user' | 'organization' | 'place'>[] = []
    for (const { area, isOfReseller } of await listAreas(scope, request.organizationId)) {
      const { after } = request
      if (after?.isOfReseller && !isOfReseller) continue
      const begins = after?.isOfReseller === isOfReseller ? after : undefined
      const limit = request.limit + 1 - found.length
      const rows = limit > 0 ? await selectPeoplePage(tx, area, { ...page, after: begins, limit }) : []
      for (const { user, organization, position } of rows)
        found.push({ user, organization, place: { ...position, isOfReseller } })
    }
    const pks = found.map(({ user }) => user.pk)
    const accessOf = await selectAccessOf(tx, pks, liveAt(dir))
    return found.map(({ user, organization, place }) => {
      const access = accessOf(user.pk)
      return { user, organization, place, ...access, permission: getPermission(access.groups) ?? 'viewer' }
    })
  })
}

/** Returns the areas of a list, in order. */
async function listAreas(
  scope: Scope,
  id: string | undefined,
): Promise<{ readonly area: PeopleArea; readonly isOfReseller: boolean }[]> {
  const own = scope.ctx.organization
  const ofOne = (pk: number) => [{ area: { organizationPk: pk }, isOfReseller: false }]
  if (id === undefined || foldId(id) === own.id)
    return own.kind === 'provider' && id === undefined
      ? [...ofOne(own.pk), { area: { resellersOf: own.pk }, isOfReseller: true }]
      : ofOne(own.pk)
  if (own.kind !== 'provider')
    throw new DirectoryError('organization_not_found', `There is no organization with the id ${id}.`)
  const { pk, kind } = await getReachableOrganization(scope, { id })
  // People of customers do not enter the console.
  return kind === 'customer' ? [] : ofOne(pk)
}

function callerId({ caller }: Context): string {
  return caller.kind === 'operator' ? '' : caller.id
}

/** Returns whether a caller sees no other people than themself. */
function seesOnlySelf({ caller, organization, permission }: Context): boolean {
  return caller.kind === 'person' && organization.kind !== 'provider' && permission !== 'administrator'
}

/**
 * Lists the live sessions of a person whom the caller sees in `listPeople`, newest first.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function listSessionsOf(dir: Directory, ctx: Context, userId: string): Promise<Session[]> {
  return runRead(dir, ctx, 'ListSessions', async (scope) => {
    const { user } = await getReachableUser({ ...scope, reach: 'below' }, { user: userId })
    const own = ctx.organization
    const isOwn = seesOnlySelf(ctx) ? user.id === callerId(ctx) : user.organizationPk === own.pk
    if (!isOwn && own.kind !== 'provider')
      throw new DirectoryError('user_not_found', `There is no user with the id ${userId}.`)
    return selectSessionsOf(scope.tx, user.pk, liveAt(dir))
  })
}
