import { type Condition, EVERYTHING } from '../model/conditions.ts'
import type { Context } from '../model/context.ts'
import { toInvalid } from '../model/error.ts'
import { foldId } from '../model/ids.ts'
import type { OrganizationKind } from '../model/organizations.ts'
import type { PageRequest } from '../model/pages.ts'
import { foldCase } from '../model/text.ts'
import { type AccountWord, type ListedUser, toSearchWords, type UserOrder } from '../model/user-lists.ts'
import type { UserArea } from '../store/port.ts'
import {
  selectUserPage,
  selectUsersAfter,
  type UserPage,
  type UserPosition,
} from '../store/users/user-pages.ts'
import {
  selectOrganizationsBeingDeleted,
  type UserCriteria,
  type UserFields,
} from '../store/users/user-sql.ts'
import { selectUserWalk, type WalkedPage } from '../store/users/user-walks.ts'
import { isPermitted } from './access.ts'
import type { Directory } from './directory.ts'
import { getGroups } from './groups.ts'
import { catchUpLists } from './list-follower.ts'
import { assertOwnReseller, getReachableOrganization, getReseller, getUserArea, type Scope } from './reach.ts'
import { runRead } from './unit.ts'

/** Which users to list. */
export interface UserListRequest {
  /** Only users of this organization. An organization of another kind is reported as missing. */
  readonly organization?: { readonly id: string; readonly kind?: OrganizationKind } | undefined
  /** Only users in the context of this reseller. A calling reseller may leave out its own id. */
  readonly resellerId?: string | undefined
  /** Words that all must be in the first name, the last name or the e-mail, without case. */
  readonly search?: string | undefined
  /** Ids or names of groups. The users are in at least one of them. */
  readonly groups?: readonly string[] | undefined
  /** Lists deleted users instead of the others. */
  readonly deleted?: boolean | undefined
  readonly order: UserOrder
  readonly page: PageRequest
}

/**
 * Lists users in the context of the caller.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `reseller_not_found`, `reseller_not_own`, `customer_not_found`,
 *   `organization_not_found`, `store_unavailable`
 */
export async function listUsers(dir: Directory, ctx: Context, request: UserListRequest): Promise<UserPage> {
  const { order, page } = request
  if (isPermitted(ctx, 'ListUsers')) await catchUpLists(dir)
  return runRead(dir, ctx, 'ListUsers', async (scope) =>
    selectUserPage(scope.tx, await toCriteria(dir, scope, request), { order, page, ends: dir.listing.ends }),
  )
}

/** Which users a walk has, and where it begins. */
export interface UserWalkRequest
  extends Pick<UserListRequest, 'organization' | 'resellerId' | 'search' | 'groups' | 'deleted'> {
  /** Only users whose account is in one of these states. */
  readonly states?: readonly AccountWord[] | undefined
  readonly after?: UserPosition | undefined
  readonly limit: number
}

/**
 * Lists users as `listUsers` does, by name, from a place on and without a total. One call looks at a limited number of
 * users, so a page may have few although there are more.
 * @throws {DirectoryError} as `listUsers`
 */
export async function walkUsers(dir: Directory, ctx: Context, request: UserWalkRequest): Promise<WalkedPage> {
  const { states, after, limit } = request
  if (isPermitted(ctx, 'ListUsers')) await catchUpLists(dir)
  return runRead(dir, ctx, 'ListUsers', async (scope) => {
    const criteria = await toCriteria(dir, scope, request)
    return selectUserWalk(scope.tx, { criteria, states, after, limit })
  })
}

async function toCriteria(
  dir: Directory,
  scope: Scope,
  request: Omit<UserListRequest, 'order' | 'page'>,
): Promise<UserCriteria> {
  const { search = '', groups, deleted = false } = request
  const area = await getUserArea(scope, request)
  const where: Condition<UserFields>[] = toSearchWords(search).map((contains) => ({
    field: 'text',
    contains,
  }))
  if (groups) where.push({ field: 'group', in: await findGroups(dir, scope, groups) })
  const beingDeleted = await selectOrganizationsBeingDeleted(scope.tx, area.providerPk)
  return { area, deleted, where: { all: where }, beingDeleted }
}

/**
 * Returns the primary keys of groups.
 * @throws {DirectoryError} `invalid` about `groups`
 */
async function findGroups(dir: Directory, scope: Scope, refs: readonly string[]): Promise<number[]> {
  const groups = await getGroups(dir, scope)
  const found = refs.map((ref) =>
    groups.find(({ id, name }) => id === foldId(ref) || foldCase(name) === foldCase(ref)),
  )
  const unknown = refs.filter((_, i) => found[i] === undefined)
  if (unknown.length > 0) {
    const names = groups.map(({ name }) => name).join(', ')
    const message = `must have ids or names of groups, not '${unknown.join("', '")}'; there are ${names}`
    throw toInvalid([{ path: 'groups', rule: 'unknown', message }])
  }
  return found.flatMap((group) => group?.pk ?? [])
}

/** How many users `streamCustomerUsers` reads at once. */
const STREAM_PAGE = 500

/**
 * Lists all users of a customer, ordered by name, in pages that are read one after the other. So the whole list is
 * never in memory, and a slow reader holds nothing in the store. A user who is renamed meanwhile may be listed twice or
 * not at all.
 * @returns the pages, after the first one was read
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `reseller_not_found`, `reseller_not_own`,
 *   `reseller_not_related`, `store_unavailable`; reading a later page may throw the same errors
 */
export async function streamCustomerUsers(
  dir: Directory,
  ctx: Context,
  request: { customerId: string; resellerId?: string | undefined },
): Promise<AsyncIterable<readonly ListedUser[]>> {
  const readPage = (after?: UserPosition) =>
    runRead(dir, ctx, 'ListCustomerUsers', async (scope) => {
      const area = await getCustomerArea(scope, request)
      const criteria = { area, deleted: false, where: EVERYTHING, beingDeleted: [] }
      return selectUsersAfter(scope.tx, criteria, { after, limit: STREAM_PAGE })
    })
  if (isPermitted(ctx, 'ListCustomerUsers')) await catchUpLists(dir)
  const first = await readPage()
  return readOn(first, readPage)
}

type StreamPage = Awaited<ReturnType<typeof selectUsersAfter>>

async function* readOn(
  first: StreamPage,
  readPage: (after: UserPosition) => Promise<StreamPage>,
): AsyncGenerator<readonly ListedUser[]> {
  for (let page = first; ; page = await readPage(page.last as UserPosition)) {
    yield page.users
    if (page.users.length < STREAM_PAGE) return
  }
}

async function getCustomerArea(
  scope: Scope,
  { customerId, resellerId }: { customerId: string; resellerId?: string | undefined },
): Promise<UserArea> {
  assertOwnReseller(scope.ctx, resellerId)
  const customer = await getReachableOrganization(scope, { id: customerId, kind: 'customer' })
  const reseller = await getReseller(scope, { id: resellerId, customer })
  return { providerPk: customer.providerPk, organizationPk: customer.pk, resellerPk: reseller?.pk }
}
