import type { Static } from 'typebox'
import { Type } from '../../json-schema.ts'
import {
  ACCOUNT_STATES,
  INACTIVE_REASONS,
  type PersonAccount,
  PLATFORM_STATES,
} from '../../model/accounts.ts'
import { ACCOUNT_POLICIES, type AccountPolicy, type Tenant } from '../../model/tenants.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { uuid } from './schemas.ts'

const PlatformState = Type.Unsafe<PersonAccount['platformState']>({
  type: 'string',
  enum: [...PLATFORM_STATES],
  description:
    'Whether the platform has this state: `pending` until it has, `failed` if it keeps refusing. Usher goes on trying.',
})

/** What a user has on a platform. */
export const AccountView = Type.Object(
  {
    platform: Type.String({ description: 'The name of the platform.' }),
    tenantId: Type.String({ description: 'The tenant of the customer on the platform.' }),
    canonicalUserId: Type.String({
      description: 'What the platform shows as the owner of buckets and objects.',
    }),
    state: Type.Unsafe<PersonAccount['state']>({
      type: 'string',
      enum: [...ACCOUNT_STATES],
      description:
        'What the platform must have. None of the keys of a suspended account works; its data is kept.',
    }),
    reason: Type.Unsafe<PersonAccount['reason']>({
      type: ['string', 'null'],
      enum: [...INACTIVE_REASONS, null],
      description: 'Why the account is suspended; null if it is not.',
    }),
    platformState: PlatformState,
    credentials: Type.Integer({ description: 'How many keys the account has.' }),
    changedAt: Type.String({ format: 'date-time', description: 'When its state or its keys last changed.' }),
  },
  {
    title: 'Account',
    examples: [
      {
        platform: 'ceph-rgw',
        tenantId: 'acme_7f3k2mqa',
        canonicalUserId: 'acme_7f3k2mqa$0199f3a0-7c1e-7000-8000-5a1d3c9be2f4',
        state: 'active',
        reason: null,
        platformState: 'applied',
        credentials: 1,
        changedAt: '2026-11-22T08:00:00.000Z',
      },
    ],
  },
)

/** Translates what a user has on a platform. */
export function toAccountView(account: PersonAccount): Static<typeof AccountView> {
  const { platform, tenantId, canonicalUserId, state, reason, platformState, credentials, changedAt } =
    account
  return { platform, tenantId, canonicalUserId, state, reason, platformState, credentials, changedAt }
}

const key = {
  accessKey: Type.String({ description: 'The S3 access key id.' }),
  active: Type.Boolean({ description: 'The own status of the key. It works if the account is active too.' }),
  createdAt: Type.String({ format: 'date-time', description: 'When the key was made.' }),
}

/** A key in a list. */
export const KeyModel = Type.Object(key, { title: 'AccessKey' })

/** A key after a change. */
export const ChangedKey = Type.Object({ ...key, platformState: PlatformState }, { title: 'ChangedAccessKey' })

/** A new key, with its secret. */
export const NewKey = Type.Object(
  {
    accessKey: key.accessKey,
    secretKey: Type.String({ description: 'The S3 secret access key. It is returned this once.' }),
    active: key.active,
    createdAt: key.createdAt,
    platformState: PlatformState,
  },
  { title: 'NewAccessKey' },
)

/** The body that sets the status of an account or a key. */
export const StatusChange = Type.Object(
  { active: Type.Boolean({ description: 'Whether it works.' }) },
  { title: 'StatusChange', examples: [{ active: false }] },
)

export const PersonParams = { id: uuid('The id of the user.') }

export const accessKeyParam = {
  accessKey: Type.String({
    minLength: 1,
    maxLength: MAX_TEXT,
    format: 'text',
    description: 'The S3 access key id.',
  }),
}

/** The query of a removal that may delete data. */
export const PurgeQuery = Type.Object({
  purgeData: Type.Optional(
    Type.Boolean({
      description:
        'Whether buckets and objects are deleted too. If not, an account that owns data is kept. Default: false.',
    }),
  ),
})

const Policy = Type.Unsafe<AccountPolicy>({
  type: 'string',
  enum: [...ACCOUNT_POLICIES],
  description:
    'Who gets an account: those whom Cloud Director names, or everyone of the customer, now and in the future.',
})

/** The body that gives a customer a tenant. */
export const TenantModel = Type.Object(
  {
    accounts: Policy,
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_TEXT,
        format: 'text',
        description:
          'The name of a new tenant; the name of the customer when absent. Ignored if there is a tenant.',
      }),
    ),
  },
  { title: 'TenantModel', examples: [{ accounts: 'everyone' }] },
)

const tenant = {
  id: Type.String({ description: 'The id of the tenant on the platform.' }),
  platform: Type.String({ description: 'The name of the platform.' }),
  name: Type.String({ description: 'The name of the tenant.' }),
  accounts: Policy,
}

/** The tenant of a customer. */
export const TenantView = Type.Object(tenant, { title: 'Tenant' })

/** The tenant of a customer after a change. */
export const ChangedTenantView = Type.Object(
  {
    ...tenant,
    jobId: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'uuid',
      description: 'The job that gives accounts to the people who have none; null if nothing has changed.',
    }),
  },
  { title: 'ChangedTenant' },
)

/** Translates a tenant. */
export function toTenantView({ id, platform, name, accounts }: Tenant): Static<typeof TenantView> {
  return { id, platform, name, accounts }
}
