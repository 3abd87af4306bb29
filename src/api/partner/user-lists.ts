import type { Static } from 'typebox'
import { listChangedUsers } from '../../directory/changed-users.ts'
import type { Directory } from '../../directory/directory.ts'
import { listGroups } from '../../directory/groups.ts'
import { listUsers, streamCustomerUsers } from '../../directory/user-lists.ts'
import { Type } from '../../json-schema.ts'
import type { Context } from '../../model/context.ts'
import { toInvalid } from '../../model/error.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { toUtc } from '../../model/times.ts'
import type { ListedUser } from '../../model/user-lists.ts'
import { type Route, route } from '../route.ts'
import { PageOf, pageQuery, toEnvelope, toPageRequest } from './paging.ts'
import { CustomerParams, failures, Headers, Responds, uuid } from './schemas.ts'
import { toUserView, UserView } from './user-views.ts'

const resellerQuery = {
  resellerId: Type.Optional(
    uuid(
      "GUID Unique identifier for the reseller. Only users in that reseller's context. A reseller's own is implied.",
    ),
  ),
}

const UserListQuery = Type.Object({
  ...pageQuery,
  searchValue: Type.Optional(
    Type.String({
      format: 'text',
      maxLength: MAX_TEXT,
      description: 'Words that all must be in the first name, the last name or the email, without case.',
      examples: ['ada lovelace'],
    }),
  ),
  sortPropertyName: Type.Optional(
    Type.Unsafe<'Name' | 'Email'>({
      type: 'string',
      enum: ['Name', 'Email'],
      default: 'Name',
      description:
        'The property to sort by. Name: first name, last name, email. Missing ones come last, or first in descending order.',
    }),
  ),
  ascendingOrder: Type.Optional(Type.Boolean({ default: true, description: 'Whether to sort upwards.' })),
  groups: Type.Optional(
    Type.String({
      format: 'text',
      minLength: 1,
      maxLength: 2_000,
      description: 'Ids or names of groups, separated by `|`. Only users who are in one of them.',
      examples: ['Administrator|Viewer'],
    }),
  ),
  ...resellerQuery,
  state: Type.Optional(
    Type.Unsafe<'live' | 'deleted'>({
      type: 'string',
      enum: ['live', 'deleted'],
      default: 'live',
      description: 'Ours: `deleted` lists the users who were deleted, instead of the others.',
    }),
  ),
  changedSince: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'Ours: lists the users who were created, changed or deleted since this time (RFC 3339), the oldest change ' +
        'first. Of the other parameters it takes `resellerId` and `pageSize`. Continue with `continuationToken`, ' +
        'while `hasNextPage` is true and later again; `totalCount` is that of the page.',
    }),
  ),
  continuationToken: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 8_000,
      pattern: '^[\\w.-]+$',
      title: 'a token that an earlier call has returned',
      description:
        'Ours: continues a list of changes after the page that returned this token, now or later. Each organization has its own.',
    }),
  ),
})

const ListedUserView = Type.Object(
  {
    ...UserView.properties,
    deletedAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'Ours: when the user was deleted; absent if not.' }),
    ),
  },
  { title: 'ListedUser' },
)

const UserPage = Responds(PageOf(ListedUserView), 'OK: the users of the page.')

function toListedView(listed: ListedUser) {
  const { deletedAt } = listed.user
  const view = toUserView(listed)
  return deletedAt === null ? view : { ...view, deletedAt }
}

type ListQuery = Static<typeof UserListQuery>

/** Lists users, or their changes if the query asks for them. */
async function list({ ctx, query }: { ctx: Context; query: ListQuery }, dir: Directory) {
  const { changedSince, continuationToken } = query
  if (changedSince !== undefined || continuationToken !== undefined) return listChanges({ ctx, query }, dir)
  const { searchValue, sortPropertyName = 'Name', ascendingOrder = true, groups, resellerId, state } = query
  const page = await listUsers(dir, ctx, {
    resellerId,
    search: searchValue,
    groups: groups?.split('|'),
    deleted: state === 'deleted',
    order: { by: sortPropertyName === 'Name' ? 'name' : 'email', ascending: ascendingOrder },
    page: toPageRequest(query),
  })
  return { status: 200, body: { ...toEnvelope(page, query, toListedView), hasNextPage: page.more } } as const
}

const LIST_ONLY = [
  'pageNumber',
  'searchValue',
  'sortPropertyName',
  'ascendingOrder',
  'groups',
  'state',
] as const

async function listChanges({ ctx, query }: { ctx: Context; query: ListQuery }, dir: Directory) {
  const { changedSince, continuationToken: token, resellerId } = query
  const { limit } = toPageRequest(query)
  const unfit = LIST_ONLY.filter((name) => query[name] !== undefined)
  const message = 'cannot be combined with changedSince or continuationToken'
  if (unfit.length > 0) throw toInvalid(unfit.map((path) => ({ path, rule: 'combination', message })))
  const from = token === undefined ? { since: toUtc(changedSince ?? '') } : { token }
  const { items, more, token: next } = await listChangedUsers(dir, ctx, { from, resellerId, limit })
  const page = toEnvelope({ items, total: items.length }, query, toListedView)
  return { status: 200, body: { ...page, hasNextPage: more, continuationToken: next } } as const
}

const listTexts = {
  tags: ['Users'],
  summary: 'List all Users',
} as const

/** The routes of lists of portal users, and of their groups. */
export const userListRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'ListUsers',
    method: 'GET',
    url: '',
    document: {
      operationId: 'ListUsers',
      ...listTexts,
      description:
        'Lists all users in the context of the caller. Available to the roles: csp, reseller. Words of three letters ' +
        'or more are found fastest.',
    },
    schemas: { headers: Headers, querystring: UserListQuery },
    responses: { 200: UserPage, ...failures },
    handle: list,
  }),
  route({
    operation: 'ListUsers',
    method: 'GET',
    url: '/users',
    document: {
      operationId: 'ListUsersInContext',
      ...listTexts,
      description: 'Ours. The same as `GET /v1`.',
      ours: true,
    },
    schemas: { headers: Headers, querystring: UserListQuery },
    responses: { 200: UserPage, ...failures },
    handle: list,
  }),
  route({
    operation: 'ListCustomerUsers',
    subject: { organization: 'customerId' },
    method: 'GET',
    url: '/customer/:customerId/users',
    document: {
      operationId: 'ListCustomerUsers',
      tags: ['Users'],
      summary: 'List all Users for a Customer',
      description: 'Lists all users of a customer, sorted by Name. The whole list is one response.',
    },
    schemas: { headers: Headers, params: CustomerParams, querystring: Type.Object(resellerQuery) },
    responses: { 200: Responds(Type.Array(UserView), 'OK: the users, sorted by Name.'), ...failures },
    async handle({ ctx, params, query }, dir) {
      const request = { customerId: params.customerId, resellerId: query.resellerId }
      return { status: 200, parts: toViews(await streamCustomerUsers(dir, ctx, request)) }
    },
  }),
  route({
    operation: 'ListGroups',
    method: 'GET',
    url: '/users/groups',
    document: {
      operationId: 'ListGroups',
      tags: ['Users'],
      summary: 'List all Groups',
      description: 'Lists the groups that users can be in, sorted by Name.',
    },
    schemas: { headers: Headers, querystring: Type.Object(pageQuery) },
    responses: {
      200: Responds(
        PageOf(
          Type.Object({
            id: uuid('The id of the group.'),
            name: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'The group name.' }),
          }),
        ),
        'OK: the groups of the page.',
      ),
      ...failures,
    },
    async handle({ ctx, query }, dir) {
      const groups = await listGroups(dir, ctx)
      const { offset, limit } = toPageRequest(query)
      const page = { items: groups.slice(offset, offset + limit), total: groups.length }
      return { status: 200, body: toEnvelope(page, query, ({ id, name }) => ({ id, name })) }
    },
  }),
]

async function* toViews(pages: AsyncIterable<readonly ListedUser[]>) {
  for await (const page of pages) yield page.map(toUserView)
}
