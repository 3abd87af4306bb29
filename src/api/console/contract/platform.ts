import { Type } from '../../../json-schema.ts'
import { UNAPPLIED_STATES } from '../../../model/backlog.ts'
import { CauseModel, NullableCause } from './causes.ts'
import { listQuery, nullable, OrganizationRef, oneOf, Page, time, uuid } from './parts.ts'

const tag = 'Platform'

/** A cause as filters take it. */
const cause = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[a-z_]+(:[0-9]{3}(:\\w+)?)?$',
  title: 'a cause, such as late or refused:403:AccessDenied',
  description: 'A code, or the code of a refusal with its status and the code of the platform.',
})
const tenantId = Type.String({
  format: 'text',
  minLength: 1,
  maxLength: 255,
  description: 'The id of a tenant.',
})
const state = oneOf(UNAPPLIED_STATES, 'Not tried yet, tried again within minutes, or tried once an hour.')

/** Counting accounts that are not applied. */
export const getCauses = {
  method: 'GET',
  path: '/platform/causes',
  operation: 'ListUnapplied',
  tag,
  summary: 'How many accounts are not applied, and why',
  response: Type.Object({
    waiting: Type.Integer({ description: 'Accounts that were not tried yet.' }),
    failing: Type.Integer({ description: 'Accounts whose last attempt failed.' }),
    parked: Type.Integer({ description: 'Accounts that failed so often that they are tried once an hour.' }),
    oldest: nullable('When the oldest of them was changed.', 'date-time'),
    causes: Type.Array(
      Type.Object({
        cause: CauseModel,
        count: Type.Integer({ description: 'How many accounts fail for it.' }),
        more: Type.Boolean({ description: 'Whether there are more: they are counted up to a limit.' }),
        parked: Type.Integer({ description: 'How many of those counted are parked.' }),
        oldest: time('When the oldest of those counted was changed.'),
        error: Type.String({ description: 'The error of one of them.' }),
      }),
    ),
  }),
} as const

/** Listing accounts that are not applied. */
export const listUnapplied = {
  method: 'GET',
  path: '/platform/unapplied',
  operation: 'ListUnapplied',
  tag,
  summary: 'The accounts that are not applied: failing and parked ones first, then those that wait',
  query: Type.Object({
    ...listQuery,
    state: Type.Optional(state),
    cause: Type.Optional(cause),
    tenant: Type.Optional(tenantId),
  }),
  response: Page(
    Type.Object({
      user: Type.Object({
        id: uuid('The id of the user.'),
        firstName: nullable('The first name.'),
        lastName: nullable('The last name.'),
        email: nullable('The e-mail address.'),
      }),
      organization: OrganizationRef,
      tenant: Type.Object({
        id: Type.String({ description: 'The id.' }),
        name: Type.String({ description: 'The name.' }),
      }),
      platform: Type.String({ description: 'The name of the platform.' }),
      canonicalUserId: Type.String({ description: 'The owner of buckets, as the platform names it.' }),
      state,
      isRemoval: Type.Boolean({ description: 'Whether it is to be removed.' }),
      cause: NullableCause,
      error: nullable('What went wrong; null while it waits.'),
      attempts: Type.Integer({
        description: 'The attempts since its state last changed, or since the last retry.',
      }),
      changedAt: time('When its state last changed.'),
      dueAt: time('When the next attempt is due.'),
    }),
  ),
} as const

/** Trying many accounts again. */
export const retryAccounts = {
  method: 'POST',
  path: '/platform/retry',
  operation: 'RetryAccounts',
  tag,
  summary: 'Try failing and parked accounts again now: all, or those of a cause, a tenant or some users',
  body: Type.Object({
    cause: Type.Optional(cause),
    tenantId: Type.Optional(tenantId),
    userIds: Type.Optional(
      Type.Array(uuid('The id of a user.'), { minItems: 1, maxItems: 200, description: 'At most 200.' }),
    ),
  }),
  response: Type.Object({ retried: Type.Integer({ description: 'How many accounts are tried again.' }) }),
} as const
