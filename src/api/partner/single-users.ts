import type { Static } from 'typebox'
import type { Directory } from '../../directory/directory.ts'
import type { UserRef } from '../../directory/reach.ts'
import {
  deleteUser,
  getUser,
  restoreUser,
  resumeUser,
  suspendUser,
  updateUser,
} from '../../directory/user-changes.ts'
import { Type } from '../../json-schema.ts'
import { MAX_TEXT } from '../../model/text.ts'
import type { UserChanges } from '../../model/users.ts'
import { fromIfMatch, toEtag } from '../etag.ts'
import { type Route, route } from '../route.ts'
import { fromRoleName } from './names.ts'
import {
  etagHeader,
  failures,
  Headers,
  ifMatchHeader,
  NoBody,
  nullable,
  preconditionFailure,
  Responds,
  UserViewModel,
  uuid,
  WriteHeaders,
} from './schemas.ts'
import { SingleUserView, toSingleUserView } from './user-views.ts'

const MatchHeaders = Type.Object({ ...Headers.properties, ...ifMatchHeader })
const MatchWriteHeaders = Type.Object({ ...WriteHeaders.properties, ...ifMatchHeader })

const NamedParams = Type.Object({
  email: Type.String({
    format: 'email-or-id',
    maxLength: MAX_TEXT,
    description: 'The email of the user, compared without case; or, ours, the id of the user.',
    examples: ['ada@example.com'],
  }),
})

const IdParams = Type.Object({ id: uuid('The id of the user.') })

const NarrowQuery = Type.Object({
  resellerId: Type.Optional(
    uuid(
      "GUID Unique identifier for the reseller in whose context the user is. A reseller's own is implied.",
    ),
  ),
  customerId: Type.Optional(uuid('Ours: the customer of the user. Needed if several users have the email.')),
})

const { groups, ...names } = UserViewModel.properties

/** The parts of the view model that a change takes, and what views return in addition. All may be left out. */
const UserChangesModel = Type.Object(
  {
    id: Type.Optional(uuid('The id of the user. Any other id is refused.')),
    firstName: Type.Optional(names.firstName),
    lastName: Type.Optional(names.lastName),
    email: Type.Optional(names.email),
    role: Type.Optional(
      Type.Object(
        {
          name: Type.Optional(
            Type.Unsafe<string | null>({
              type: ['string', 'null'],
              description: 'The name that the user has. Any other name is refused.',
            }),
          ),
        },
        { additionalProperties: false, description: 'Additional properties are NOT allowed.' },
      ),
    ),
    groups: Type.Optional(groups),
    customerId: Type.Optional(nullable('Ours: as it is returned. Any other value is refused.', 'uuid')),
    resellerId: Type.Optional(nullable('Ours: as it is returned. Any other value is refused.', 'uuid')),
    active: Type.Optional(
      Type.Boolean({
        description: 'Ours: as it is returned. To change it, suspend or resume the user.',
      }),
    ),
  },
  {
    title: 'UserChanges',
    description: 'The user info to update the user. The members that are left out stay as they are.',
    examples: [{ lastName: 'King', groups: [] }],
  },
)

/** What a change of one user returns: nothing but the new state. */
const changed = (description: string) => ({
  204: NoBody(description, etagHeader),
  ...failures,
  ...preconditionFailure,
})

/** The routes of one user: read, change, delete. A user is named by their e-mail or, ours, by their id. */
export const singleUserRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'GetUser',
    method: 'GET',
    url: '/users/:email',
    document: {
      operationId: 'GetUser',
      tags: ['Users'],
      summary: 'Get a User',
      description:
        'Ours. Returns a user with their groups, what they have on storage platforms, and the `ETag` for later ' +
        'changes of the user.',
      ours: true,
    },
    schemas: { headers: Headers, params: NamedParams, querystring: NarrowQuery },
    responses: { 200: Responds(SingleUserView, 'OK: the user.', etagHeader), ...failures },
    async handle({ ctx, params, query }, dir) {
      const found = await getUser(dir, ctx, toRef(params.email, query))
      return { status: 200, body: toSingleUserView(found), headers: { etag: toEtag(found.user) } }
    },
  }),
  route({
    operation: 'UpdateUser',
    subject: { target: 'email' },
    method: 'PATCH',
    url: '/users/:email',
    document: {
      operationId: 'UpdateUser',
      tags: ['Users'],
      summary: 'Update a User',
      description:
        'Updates the members that the body has: an absent member stays as it is, null empties it, and `groups` ' +
        'replaces all groups. The whole UserViewModel is taken too. A change that would leave an organization ' +
        'without an active Administrator is refused.',
    },
    schemas: {
      headers: MatchWriteHeaders,
      params: NamedParams,
      querystring: NarrowQuery,
      body: UserChangesModel,
    },
    responses: changed('No Content: the user is as the body says.'),
    async handle({ ctx, params, query, headers, body }, dir) {
      const changes = toChanges(body)
      const expected = fromIfMatch(headers['if-match'])
      const user = await updateUser(dir, ctx, { ...toRef(params.email, query), changes, expected })
      return { status: 204, headers: { etag: toEtag(user) } }
    },
  }),
  route({
    operation: 'DeleteUser',
    subject: { target: 'email' },
    method: 'DELETE',
    url: '/users/:email',
    document: {
      operationId: 'DeleteUser',
      tags: ['Users'],
      summary: 'Delete a User',
      description:
        'Deletes a user. They are hidden at once, and can be restored. Their accounts are removed from the storage ' +
        'platform after the response.',
    },
    schemas: { headers: MatchHeaders, params: NamedParams, querystring: NarrowQuery },
    responses: { ...failures, ...preconditionFailure, 204: NoBody('No Content: the user is deleted.') },
    async handle({ ctx, params, query, headers }, dir) {
      const expected = fromIfMatch(headers['if-match'])
      await deleteUser(dir, ctx, { ...toRef(params.email, query), expected })
      return { status: 204 }
    },
  }),
  newActionRoute('SuspendUser', 'suspend', suspendUser, {
    summary: 'Suspend a User',
    description: 'Their accounts on the storage platform stop working, and they cannot sign in.',
  }),
  newActionRoute('ResumeUser', 'resume', resumeUser, {
    summary: 'Resume a suspended User',
    description: 'Everything works again that worked before the user was suspended.',
  }),
  newActionRoute('RestoreUser', 'restore', restoreUser, {
    summary: 'Restore a deleted User',
    description:
      'The user is back with their id, content and groups, but without accounts on the storage platform.',
  }),
]

/** Declares a route without a body that changes the state of one user; repeating the call changes nothing. */
function newActionRoute(
  operation: 'SuspendUser' | 'ResumeUser' | 'RestoreUser',
  verb: string,
  run: typeof suspendUser,
  { summary, description }: { readonly summary: string; readonly description: string },
): Route<Directory> {
  return route({
    operation,
    subject: { target: 'id' },
    method: 'POST',
    url: `/users/:id/${verb}`,
    document: {
      operationId: operation,
      tags: ['Users'],
      summary,
      description: `Ours. ${description} Repeating the call changes nothing.`,
      ours: true,
    },
    schemas: { headers: MatchWriteHeaders, params: IdParams },
    responses: changed('No Content.'),
    async handle({ ctx, params, headers }, dir) {
      const user = await run(dir, ctx, { user: params.id, expected: fromIfMatch(headers['if-match']) })
      return { status: 204, headers: { etag: toEtag(user) } }
    },
  })
}

function toRef(user: string, { resellerId, customerId }: Static<typeof NarrowQuery>): UserRef {
  return {
    user,
    resellerId,
    organization: customerId === undefined ? undefined : { id: customerId, kind: 'customer' },
  }
}

function toChanges(body: Static<typeof UserChangesModel>): UserChanges {
  const { id, firstName, lastName, email, role, groups, active, customerId, resellerId } = body
  const kind = role?.name == null ? undefined : fromRoleName(role.name)
  return {
    firstName,
    lastName,
    email,
    groupIds: groups === undefined ? undefined : (groups?.map((group) => group.id) ?? []),
    fixed: { id, kind, active, customerId, resellerId },
  }
}
