import { Type } from '../../../json-schema.ts'
import {
  ACCOUNT_STATES,
  INACTIVE_REASONS,
  type InactiveReason,
  PLATFORM_STATES,
} from '../../../model/accounts.ts'
import { nullable, oneOf, time } from './parts.ts'

/** What every view of a user's account has. */
export const accountFields = {
  platform: Type.String({ description: 'The name of the platform.' }),
  tenantId: Type.String({ description: 'The id of the tenant.' }),
  canonicalUserId: Type.String({ description: 'The owner of buckets, as the platform names it.' }),
  state: oneOf(ACCOUNT_STATES, 'What the platform must have.'),
  reason: Type.Unsafe<InactiveReason | null>({
    type: ['string', 'null'],
    enum: [...INACTIVE_REASONS, null],
    description: 'Why it is suspended; null if it is not.',
  }),
  platformState: oneOf(PLATFORM_STATES, 'Whether the platform has this state; `failed` if it is parked.'),
  error: nullable('What went wrong last, for people of the provider; null for others.'),
  enabled: Type.Boolean({ description: 'Its own status.' }),
  changedAt: time('When its state last changed.'),
} as const

/** A key of a user, without its secret. */
export const keyFields = {
  accessKey: Type.String({ description: 'The S3 access key.' }),
  active: Type.Boolean({ description: 'Its own status. It works if the account does too.' }),
  createdAt: time('When it was made.'),
} as const
