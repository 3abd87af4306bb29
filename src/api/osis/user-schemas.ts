import { Type } from '../../json-schema.ts'
import { ACCOUNT_ROLES, type AccountRole } from '../../model/accounts.ts'
import { ignored, nullable, optionalFlag, optionalText, pageOf, requiredText } from './schemas.ts'

export const NewOsisUser = Type.Object(
  {
    user_id: ignored('the server makes the id.'),
    canonical_user_id: ignored('the server makes the id.'),
    user_arn: ignored('the platforms have none.'),
    tenant_id: ignored('the tenant in the path decides.'),
    active: optionalFlag('The status of the platform user; true when absent.'),
    username: optionalText('The platform username mapped with VCD user; the VCD user id when absent.'),
    email: optionalText(
      'The user email of the VCD user. A user of the customer with the same e-mail is given the account, or the account that they have without VCD is linked.',
      'email-or-empty',
    ),
    role: Type.Optional(
      Type.Unsafe<AccountRole | null>({
        type: ['string', 'null'],
        enum: [...ACCOUNT_ROLES, null],
        description: 'user role; UNKNOWN when absent. Stored and returned, never turned into privileges.',
      }),
    ),
    cd_user_id: requiredText('The ID of the VCD user.'),
    cd_tenant_id: requiredText('The ID of the VCD tenant.'),
  },
  {
    title: 'NewOsisUser',
    examples: [
      {
        tenant_id: 'acme_7f3k2mqa',
        role: 'TENANT_USER',
        cd_tenant_id: 'c3a9e0f2-18d4-4b7e-8f61-72d5b90ae416',
        active: true,
        cd_user_id: 'rachelw',
        email: 'rachelw@acme.example',
        username: 'rachelw',
      },
    ],
  },
)

export const OsisUser = Type.Object(
  {
    user_id: Type.String({ description: 'The ID of platform user.' }),
    canonical_user_id: Type.String({
      description: 'What the platform shows as the owner of buckets and objects.',
    }),
    user_arn: nullable('The arn of platform user; null where the platform has none.'),
    tenant_id: Type.String({
      description: 'The ID of the platform tenant which the platform user belongs to.',
    }),
    active: Type.Boolean({ description: 'The status of platform user.' }),
    username: Type.String({ description: 'The platform username mapped with VCD user.' }),
    email: nullable('The user email of the VCD user.'),
    role: Type.Unsafe<AccountRole>({ type: 'string', enum: [...ACCOUNT_ROLES], description: 'user role' }),
    cd_user_id: Type.String({
      description: 'The ID of the VCD user; the user_id for a user that VCD has not named.',
    }),
    cd_tenant_id: Type.String({
      description: 'The ID of the VCD tenant; empty for a user that VCD has not named.',
    }),
  },
  {
    title: 'OsisUser',
    examples: [
      {
        tenant_id: 'acme_7f3k2mqa',
        role: 'TENANT_USER',
        canonical_user_id: 'acme_7f3k2mqa$0199f3a0-7c1e-7000-8000-5a1d3c9be2f4',
        user_id: '0199f3a0-7c1e-7000-8000-5a1d3c9be2f4',
        cd_tenant_id: 'c3a9e0f2-18d4-4b7e-8f61-72d5b90ae416',
        active: true,
        user_arn: null,
        cd_user_id: 'rachelw',
        email: 'rachelw@acme.example',
        username: 'rachelw',
      },
    ],
  },
)

/** Only `active` has an effect; all other members are ignored, whatever they hold (section 6.9 of the contract). */
export const OsisUserChange = Type.Object(
  { active: Type.Boolean({ description: 'Whether the keys of the user work.' }) },
  { title: 'OsisUserChange', examples: [{ active: false }] },
)

export const UserPage = pageOf(OsisUser)

export const CanonicalParams = Type.Object({
  canonicalUserId: Type.String({ description: 'What the platform shows as the owner.' }),
})
