import { Type } from '../../../json-schema.ts'
import { PLATFORM_STATES } from '../../../model/accounts.ts'
import { DRIFT_KINDS } from '../../../model/platforms.ts'
import { accountFields, keyFields } from './account-parts.ts'
import { NullableCause } from './causes.ts'
import { IdParams, nullable, oneOf, time } from './parts.ts'

const integer = (description: string) => Type.Integer({ description })

/** What a user has on a platform, with what Cloud Director calls it, and the attempts to apply it. */
const AccountView = Type.Object(
  {
    ...accountFields,
    orgId: nullable('The id of the Cloud Director org; null for an account without Cloud Director.'),
    orgUserId: nullable('The id of the Cloud Director user; null as for `orgId`.'),
    username: nullable('The name of the Cloud Director user; null as for `orgId`.'),
    cause: NullableCause,
    attempts: integer('The attempts since its state last changed or was applied.'),
    dueAt: time('When the next attempt is due, unless it is applied.'),
    parkedAt: nullable('Since when it is tried once an hour; null if it is not parked.', 'date-time'),
    desiredVersion: integer('How often its state was changed.'),
    appliedVersion: integer('The newest version that the platform has; 0 for none.'),
    credentials: integer('How many keys it has.'),
  },
  { title: 'Account' },
)

const tag = 'Accounts'
const ofUser = { subject: { target: 'id' }, tag, params: IdParams } as const

/** Reading the account of a user. */
export const getUserAccount = {
  ...ofUser,
  method: 'GET',
  path: '/users/:id/account',
  operation: 'GetUserAccount',
  summary: 'What a user has on the storage platform, and the keys without their secrets',
  response: Type.Object({
    accounts: Type.Array(AccountView, { description: 'One on each platform.' }),
    keys: Type.Array(Type.Object({ ...keyFields, platform: Type.String({ description: 'Where it is.' }) })),
  }),
} as const

/** Reading what a user stores. */
export const getUserUsage = {
  ...ofUser,
  method: 'GET',
  path: '/users/:id/account/usage',
  operation: 'GetUserUsage',
  summary: 'What a user stores on the platform now, and their buckets',
  response: Type.Object({
    usage: Type.Object({
      bucketCount: integer('The number of buckets.'),
      objectCount: integer('The number of objects.'),
      usedBytes: integer('What they take.'),
      quotaBytes: Type.Unsafe<number | null>({
        type: ['integer', 'null'],
        description: 'The most that they may take; null for no limit.',
      }),
    }),
    buckets: Type.Array(
      Type.Object({ name: Type.String({ description: 'The name.' }), createdAt: time('When it was made.') }),
    ),
  }),
} as const

const changed = { ...ofUser, method: 'POST', operation: 'UpdateUserAccount', response: AccountView } as const

/** Suspending the account of a user. */
export const suspendAccount = {
  ...changed,
  path: '/users/:id/account/suspend',
  summary: 'Suspend the account of a user: none of its keys works',
} as const

/** Ending the suspension of an account. */
export const resumeAccount = {
  ...changed,
  path: '/users/:id/account/resume',
  summary: 'End the suspension of an account',
} as const

/** Giving a user an account. */
export const giveAccount = {
  ...ofUser,
  method: 'POST',
  path: '/users/:id/account',
  operation: 'CreateUserAccount',
  summary: 'Give a user an account without keys, whether Cloud Director names them or not',
  status: 201,
  response: AccountView,
} as const

/** Trying the account of a user again. */
export const retryAccount = {
  ...ofUser,
  method: 'POST',
  path: '/users/:id/account/retry',
  operation: 'RetryUser',
  summary: 'Try the account of a user again now, if it fails',
  response: Type.Object({ retried: integer('How many accounts are tried again.') }),
} as const

const Comparison = Type.Object({
  platform: Type.String({ description: 'The name of the platform.' }),
  state: oneOf(
    ['same', 'differs', 'unapplied', 'incomparable'],
    '`unapplied`: not applied yet, so that it cannot be compared; `incomparable`: the directory alone keeps it.',
  ),
  drift: Type.Array(
    Type.Object({
      kind: oneOf(DRIFT_KINDS, 'How it differs, from a closed list.'),
      accessKey: nullable('The key that it is about; null for the account itself.'),
    }),
  ),
  mended: Type.Boolean({ description: 'Whether the platform has the wanted state now.' }),
  error: nullable('Why it could not be mended, for people of the provider; null for others.'),
})

/** Comparing the account of a user with its platform. */
export const compareUserAccount = {
  ...ofUser,
  method: 'POST',
  path: '/users/:id/account/compare',
  operation: 'CompareAccount',
  summary: 'Compare the account of a user with its platform',
  response: Comparison,
} as const

/** Mending the account of a user. */
export const mendUserAccount = {
  ...ofUser,
  method: 'POST',
  path: '/users/:id/account/mend',
  operation: 'MendAccount',
  summary: 'Bring the account of a user back to what the directory wants',
  response: Comparison,
} as const

/** Making a key for a user. */
export const createKey = {
  ...ofUser,
  method: 'POST',
  path: '/users/:id/keys',
  operation: 'CreateUserCredential',
  summary: 'Make a key for a user; its secret is shown once',
  status: 201,
  response: Type.Object({
    ...keyFields,
    secretKey: Type.String({ description: 'The secret. It is shown once.' }),
    platformState: oneOf(PLATFORM_STATES, 'Whether the platform has it.'),
  }),
} as const

const ofKey = {
  path: '/keys/:accessKey',
  subject: { target: 'accessKey' },
  tag,
  params: Type.Object({
    accessKey: Type.String({
      ...{ minLength: 1, maxLength: 255, format: 'text' },
      description: 'The S3 access key.',
    }),
  }),
} as const

/** Disabling or enabling a key. */
export const updateKey = {
  ...ofKey,
  method: 'PATCH',
  operation: 'UpdateUserCredential',
  summary: 'Disable or enable a key',
  body: Type.Object({ active: Type.Boolean({ description: 'Whether it is enabled.' }) }),
  response: Type.Object({
    ...keyFields,
    platformState: oneOf(PLATFORM_STATES, 'Whether the platform has the change.'),
  }),
} as const

/** Deleting a key. */
export const deleteKey = {
  ...ofKey,
  method: 'DELETE',
  operation: 'DeleteUserCredential',
  summary: 'Delete a key',
  response: Type.Object({
    gone: Type.Boolean({ description: 'Whether the platform has removed it already.' }),
  }),
} as const
