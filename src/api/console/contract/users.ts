import { Type } from '../../../json-schema.ts'
import { ACCOUNT_WORDS } from '../../../model/user-lists.ts'
import { accountFields, keyFields } from './account-parts.ts'
import { Actions } from './actions.ts'
import {
  etag,
  GroupRef,
  IdParams,
  listQuery,
  nullable,
  nullableOf,
  OrganizationRef,
  oneOf,
  ResellerRef,
  time,
  uuid,
} from './parts.ts'

const UserFields = {
  id: uuid('The id of the user.'),
  firstName: nullable('The first name.'),
  lastName: nullable('The last name.'),
  email: nullable('The e-mail address.'),
  state: oneOf(['active', 'suspended', 'deleted', 'erased'], 'The state of the user.'),
  organization: OrganizationRef,
  reseller: nullableOf(ResellerRef, 'The reseller in whose context the user is.'),
  groups: Type.Array(GroupRef),
  createdAt: time('When the user was created.'),
  updatedAt: time('When the user was changed last.'),
} as const

const STATES = ACCOUNT_WORDS.join('|')

/** A list of users. */
export const listUsers = {
  method: 'GET',
  path: '/users',
  operation: 'ListUsers',
  tag: 'Users',
  summary: 'Users in reach, by name',
  query: Type.Object({
    q: Type.Optional(
      Type.String({
        format: 'text',
        maxLength: 255,
        description: 'Words that are in names or e-mail address.',
      }),
    ),
    organization: Type.Optional(uuid('Only users of this organization.')),
    reseller: Type.Optional(uuid('Only users in the context of this reseller.')),
    group: Type.Optional(uuid('Only users in this group.')),
    state: Type.Optional(
      Type.String({
        pattern: `^(${STATES})(,(${STATES})){0,5}$`,
        title: `words out of ${ACCOUNT_WORDS.join(', ')}, with commas between them`,
        description: 'Only users whose storage account is in one of these states.',
      }),
    ),
    deleted: Type.Optional(Type.Boolean({ description: 'Lists deleted users instead of the others.' })),
    sort: Type.Optional(oneOf(['name', 'email'], 'The order (default: name).')),
    ...listQuery,
  }),
  response: Type.Object({
    items: Type.Array(
      Type.Object({
        ...UserFields,
        account: oneOf(ACCOUNT_WORDS, 'The state of the storage account, in one word.'),
      }),
    ),
    next: nullable('Where the next page begins; null on the last page.'),
    partial: Type.Boolean({
      description: 'Whether Usher stopped looking before the page was full; `next` goes on.',
    }),
  }),
} as const

const Account = Type.Object(accountFields)
const Key = Type.Object(keyFields)

/** One user. */
export const getUser = {
  method: 'GET',
  path: '/users/:id',
  operation: 'GetUser',
  tag: 'Users',
  summary: 'A user, deleted or not, with account and keys',
  params: IdParams,
  response: Type.Object(
    { ...UserFields, etag, accounts: Type.Array(Account), keys: Type.Array(Key), actions: Actions },
    { title: 'User' },
  ),
} as const

const name = (description: string) =>
  Type.Optional(
    Type.Unsafe<string | null>({
      ...{ type: ['string', 'null'], maxLength: 255, format: 'text' },
      description,
    }),
  )

const UserBody = {
  firstName: name('The first name.'),
  lastName: name('The last name.'),
  email: name('The e-mail address.'),
  groupIds: Type.Optional(
    Type.Array(uuid('The id of a group.'), { maxItems: 100, description: 'The groups.' }),
  ),
} as const

/** Creating a user. */
export const createUser = {
  method: 'POST',
  path: '/organizations/:id/users',
  operation: 'CreateUser',
  subject: { organization: 'id' },
  tag: 'Users',
  summary: 'Create a user of an organization',
  params: IdParams,
  body: Type.Object({
    ...UserBody,
    reseller: Type.Optional(uuid('The reseller in whose context the user is created.')),
  }),
  status: 201,
  response: Type.Object({
    id: uuid('The id of the user.'),
    created: Type.Boolean({
      description: 'Whether the user is new; else they were there already, or were brought back.',
    }),
    restored: Type.Boolean({
      description: 'Whether a deleted user with this e-mail address was brought back with the new content.',
    }),
  }),
} as const

/** Changing a user. */
export const updateUser = {
  method: 'PATCH',
  path: '/users/:id',
  operation: 'UpdateUser',
  subject: { target: 'id' },
  ifMatch: true,
  tag: 'Users',
  summary: 'Change a user; members that are left out stay as they are',
  params: IdParams,
  body: Type.Object(UserBody),
  response: Type.Object({ id: uuid('The id of the user.'), etag }),
} as const

/** Deleting a user. */
export const deleteUser = {
  method: 'DELETE',
  path: '/users/:id',
  operation: 'DeleteUser',
  subject: { target: 'id' },
  ifMatch: true,
  tag: 'Users',
  summary: 'Delete a user, who can be restored',
  params: IdParams,
  response: Type.Null(),
} as const

const ofUser = { method: 'POST', subject: { target: 'id' }, tag: 'Users', params: IdParams } as const

/** Suspending a user. */
export const suspendUser = {
  ...ofUser,
  path: '/users/:id/suspend',
  operation: 'SuspendUser',
  summary: 'Suspend a user: their accounts stop working, and they cannot sign in',
  response: updateUser.response,
} as const

/** Ending the suspension of a user. */
export const resumeUser = {
  ...ofUser,
  path: '/users/:id/resume',
  operation: 'ResumeUser',
  summary: 'End the suspension of a user',
  response: updateUser.response,
} as const

/** Restoring a user. */
export const restoreUser = {
  ...ofUser,
  path: '/users/:id/restore',
  operation: 'RestoreUser',
  summary: 'Restore a deleted user with what they had',
  response: updateUser.response,
} as const
