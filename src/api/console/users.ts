import type { Directory } from '../../directory/directory.ts'
import { deleteUser, restoreUser, updateUser } from '../../directory/user-changes.ts'
import { getUserOverview, listUserRows, type ResellerName } from '../../directory/user-overviews.ts'
import { createUser } from '../../directory/users.ts'
import type { Group, User } from '../../model/users.ts'
import { toEtag } from '../etag.ts'
import type { Route } from '../route.ts'
import * as contract from './contract/users.ts'
import { serve } from './operation.ts'
import { readPage, toNext } from './paging.ts'

/** What the operations on users need. */
export interface UserParts {
  readonly dir: Directory
}

/** The operations on users. */
export const userRoutes: readonly Route<UserParts>[] = [
  serve(contract.listUsers, async ({ ctx, query }, { dir }: UserParts) => {
    const { q, organization, reseller, group, deleted = false, sort = 'name', ...page } = query
    const filters = { users: [ctx.organization.id, q, organization, reseller, group, deleted, sort] }
    const { after, limit } = readPage(page, filters, ['number'])
    const offset = Number(after?.[0] ?? 0)
    const { items, more } = await listUserRows(dir, ctx, {
      ...(organization !== undefined && { organization: { id: organization } }),
      ...{ resellerId: reseller, search: q, groups: group === undefined ? undefined : [group], deleted },
      order: { by: sort, ascending: true },
      page: { offset, limit },
    })
    const rows = items.map(({ user, account, ...row }) => ({ ...toFields(user, row), account }))
    return { items: rows, next: toNext(more ? [offset + items.length] : undefined, filters) }
  }),
  serve(contract.getUser, async ({ ctx, params }, { dir }: UserParts) => {
    const { user, accounts, keys, ...rest } = await getUserOverview(dir, ctx, params.id)
    const shown = accounts.map(
      ({ platform, tenantId, canonicalUserId, state, reason, platformState, error, enabled, changedAt }) => {
        const named = { platform, tenantId, canonicalUserId }
        return { ...named, state, reason, platformState, error, enabled, changedAt }
      },
    )
    return { ...toFields(user, rest), etag: toEtag(user), accounts: shown, keys: [...keys] }
  }),
  serve(contract.createUser, ({ ctx, params, body }, { dir }: UserParts) => {
    const { firstName = null, lastName = null, email = null, groupIds = [], reseller } = body
    const user = { firstName, lastName, email, groupIds }
    return createUser(dir, ctx, { organizationId: params.id, resellerId: reseller, user })
  }),
  serve(contract.updateUser, async ({ ctx, params, body, expected }, { dir }: UserParts) => {
    const changed = await updateUser(dir, ctx, { user: params.id, changes: body, expected })
    return { id: changed.id, etag: toEtag(changed) }
  }),
  serve(contract.deleteUser, async ({ ctx, params, expected }, { dir }: UserParts) => {
    await deleteUser(dir, ctx, { user: params.id, expected })
    return null
  }),
  serve(contract.restoreUser, async ({ ctx, params }, { dir }: UserParts) => {
    const restored = await restoreUser(dir, ctx, { user: params.id })
    return { id: restored.id, etag: toEtag(restored) }
  }),
]

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
