import type { Static } from 'typebox'
import type { Directory } from '../../directory/directory.ts'
import { GROUP_MEANINGS } from '../../directory/group-meanings.ts'
import { listGroups } from '../../directory/groups.ts'
import { deleteUser, restoreUser, resumeUser, suspendUser, updateUser } from '../../directory/user-changes.ts'
import {
  getUserOverview,
  listUserRows,
  type ResellerName,
  type UserRow,
  walkUserRows,
} from '../../directory/user-overviews.ts'
import { createUser } from '../../directory/users.ts'
import type { Context } from '../../model/context.ts'
import { type Issue, toInvalid } from '../../model/error.ts'
import { ACCOUNT_WORDS } from '../../model/user-lists.ts'
import { checkUserChanges, type Group, type GroupName, type User } from '../../model/users.ts'
import { toEtag } from '../etag.ts'
import type { Route } from '../route.ts'
import * as groups from './contract/groups.ts'
import * as users from './contract/users.ts'
import { serve } from './operation.ts'
import { readPage, toNext } from './paging.ts'

/** What the operations on users need. */
export interface UserParts {
  readonly dir: Directory
}

/** The operations on users. */
export const userRoutes: readonly Route<UserParts>[] = [
  serve(users.listUsers, ({ ctx, query }, { dir }: UserParts) => listUsers(dir, ctx, query)),
  serve(groups.listGroups, async ({ ctx }, { dir }: UserParts) => {
    const items = (await listGroups(dir, ctx)).map(({ id, name }) => {
      const { permission = null, alerts = false } = GROUP_MEANINGS[name as GroupName] ?? {}
      return { id, name, permission, alerts }
    })
    return { items, next: null }
  }),
  serve(users.getUser, async ({ ctx, params }, { dir }: UserParts) => {
    const { user, accounts, keys, actions, ...rest } = await getUserOverview(dir, ctx, params.id)
    const shown = accounts.map(
      ({ platform, tenantId, canonicalUserId, state, reason, platformState, error, enabled, changedAt }) => {
        const named = { platform, tenantId, canonicalUserId }
        return { ...named, state, reason, platformState, error, enabled, changedAt }
      },
    )
    return { ...toFields(user, rest), etag: toEtag(user), accounts: shown, keys: [...keys], actions }
  }),
  serve(
    users.createUser,
    async ({ ctx, params, body }, { dir }: UserParts) => {
      const { firstName = null, lastName = null, email = null, groupIds = [], reseller } = body
      const user = { firstName, lastName, email, groupIds }
      const request = { organizationId: params.id, resellerId: reseller, user }
      const { id, created, restored = false } = await createUser(dir, ctx, request)
      return { id, created, restored }
    },
    checkMembers,
  ),
  serve(
    users.updateUser,
    async ({ ctx, params, body, expected }, { dir }: UserParts) => {
      const changed = await updateUser(dir, ctx, { user: params.id, changes: body, expected })
      return { id: changed.id, etag: toEtag(changed) }
    },
    checkMembers,
  ),
  serve(users.deleteUser, async ({ ctx, params, expected }, { dir }: UserParts) => {
    await deleteUser(dir, ctx, { user: params.id, expected })
    return null
  }),
  serve(users.suspendUser, async ({ ctx, params }, { dir }: UserParts) => {
    const changed = await suspendUser(dir, ctx, { user: params.id })
    return { id: changed.id, etag: toEtag(changed) }
  }),
  serve(users.resumeUser, async ({ ctx, params }, { dir }: UserParts) => {
    const changed = await resumeUser(dir, ctx, { user: params.id })
    return { id: changed.id, etag: toEtag(changed) }
  }),
  serve(users.restoreUser, async ({ ctx, params }, { dir }: UserParts) => {
    const restored = await restoreUser(dir, ctx, { user: params.id })
    return { id: restored.id, etag: toEtag(restored) }
  }),
]

/** Checks the members of a body that have the right type. */
function checkMembers(body: unknown): readonly Issue[] {
  const members = Object.entries(body ?? {}).filter(([, value]) => typeof value === 'string')
  return checkUserChanges(Object.fromEntries(members))
}

type UserQuery = Static<typeof users.listUsers.query>

/**
 * Lists users. A list by e-mail is read by numbers of users, because only the order by name has places; so is a search
 * among very many users.
 * @throws {DirectoryError} `invalid` for a list by e-mail with states
 */
async function listUsers(
  dir: Directory,
  ctx: Context,
  query: UserQuery,
): Promise<Static<typeof users.listUsers.response>> {
  const { q, organization, reseller, group, state, deleted = false, sort = 'name', ...page } = query
  const filters = { users: [ctx.organization.id, q, organization, reseller, group, state, deleted, sort] }
  const asked = {
    ...(organization !== undefined && { organization: { id: organization } }),
    ...{ resellerId: reseller, search: q, groups: group === undefined ? undefined : [group], deleted },
  }
  if (state === undefined && (sort === 'email' || q !== undefined || group !== undefined)) {
    const { after, limit } = readPage(page, filters, ['number'])
    const offset = Number(after?.[0] ?? 0)
    const order = { by: sort, ascending: true }
    const { items, more } = await listUserRows(dir, ctx, { ...asked, order, page: { offset, limit } })
    const next = toNext(more ? [offset + items.length] : undefined, filters)
    return { items: items.map(toRow), next, partial: false }
  }
  if (sort === 'email')
    throw toInvalid([{ path: 'sort', rule: 'combination', message: 'must be name in a list with states' }])
  const { after, limit } = readPage(page, filters, ['text', 'text'])
  const place = after && { key: String(after[0]), id: String(after[1]) }
  const states =
    state === undefined ? undefined : ACCOUNT_WORDS.filter((one) => state.split(',').includes(one))
  const found = await walkUserRows(dir, ctx, { ...asked, states, after: place, limit })
  const next = toNext(found.next && [found.next.key, found.next.id], filters)
  return { items: found.items.map(toRow), next, partial: found.partial }
}

function toRow({ user, account, ...row }: UserRow) {
  return { ...toFields(user, row), account }
}

interface Named {
  readonly organization: {
    readonly id: string
    readonly name: string
    readonly kind: 'provider' | 'reseller' | 'customer'
  }
  readonly reseller: ResellerName | null
  readonly groups: readonly Group[]
  readonly erasedAt?: string | null
}

function toFields(user: User, { organization, reseller, groups, erasedAt = null }: Named) {
  const { id, firstName, lastName, email, createdAt, updatedAt } = user
  const { id: organizationId, name, kind } = organization
  const living = user.active ? 'active' : 'suspended'
  const state = erasedAt !== null ? 'erased' : user.deletedAt !== null ? 'deleted' : living
  return {
    ...({ id, firstName, lastName, email, createdAt, updatedAt, reseller, state } as const),
    organization: { id: organizationId, name, kind },
    groups: groups.map((group) => ({ id: group.id, name: group.name })),
  } as const
}
