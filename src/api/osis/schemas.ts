import { type Static, Type } from 'typebox'
import { ACCOUNT_ROLES, type AccountRole } from '../../model/tenants.ts'
import { MAX_TEXT } from '../../model/text.ts'

/** Absent and null mean the same in a request (section 2.4 of the contract). */
const optionalText = (description: string, format: 'text' | 'email' = 'text') =>
  Type.Optional(
    Type.Unsafe<string | null>({ type: ['string', 'null'], format, maxLength: MAX_TEXT, description }),
  )

const requiredText = (description: string) =>
  Type.String({ format: 'text', minLength: 1, maxLength: MAX_TEXT, description })

const optionalFlag = (description: string) =>
  Type.Optional(Type.Unsafe<boolean | null>({ type: ['boolean', 'null'], description }))

const nullable = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })

export const TenantParams = Type.Object({ tenantId: Type.String({ description: 'The ID of the tenant.' }) })
export type TenantParams = Static<typeof TenantParams>

export const UserParams = Type.Object({
  tenantId: Type.String({ description: 'The ID of the tenant which the user belongs to.' }),
  userId: Type.String({ description: 'The ID of the platform user.' }),
})
export type UserParams = Static<typeof UserParams>

/** Larger limits are lowered to this, and the page says so. */
export const MAX_LIMIT = 1_000

const MAX_INT = 2_147_483_647

export const PageQuery = Type.Object({
  offset: Type.Optional(
    Type.Integer({ minimum: 0, maximum: MAX_INT, default: 0, description: 'Items to skip.' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_INT,
      default: 100,
      description: `The most items to return; ${MAX_LIMIT} at the most.`,
    }),
  ),
})
export type PageQuery = Static<typeof PageQuery>

export const NewOsisTenant = Type.Object(
  {
    name: requiredText("A name for people, normally the org's. Not an identifier."),
    active: optionalFlag('Ignored: a tenant is always active; its users can be suspended.'),
    tenant_id: optionalText('Ignored: the server makes the id.'),
    cd_tenant_ids: Type.Optional(
      Type.Unsafe<string[] | null>({
        type: ['array', 'null'],
        maxItems: 1_000,
        items: { type: 'string', format: 'text', minLength: 1, maxLength: MAX_TEXT },
        description: 'The Cloud Director orgs to map onto the tenant.',
      }),
    ),
  },
  {
    title: 'NewOsisTenant',
    examples: [{ name: 'Acme', active: true, cd_tenant_ids: ['c3a9e0f2-18d4-4b7e-8f61-72d5b90ae416'] }],
  },
)
export type NewOsisTenant = Static<typeof NewOsisTenant>

export const OsisTenant = Type.Object(
  {
    name: Type.String(),
    active: Type.Boolean(),
    tenant_id: Type.String({ description: 'The ID of the tenant on the platform. It never changes.' }),
    cd_tenant_ids: Type.Array(Type.String(), {
      description: 'The Cloud Director orgs mapped onto the tenant.',
    }),
    health: nullable('Null: the platform has no tenant health.'),
    extensions: Type.Unsafe<null>({
      type: ['object', 'null'],
      description: 'Null: tenants share one S3 endpoint.',
    }),
  },
  {
    title: 'OsisTenant',
    examples: [
      {
        name: 'Acme',
        active: true,
        tenant_id: 'acme_7f3k2mqa',
        cd_tenant_ids: ['c3a9e0f2-18d4-4b7e-8f61-72d5b90ae416'],
        health: null,
        extensions: null,
      },
    ],
  },
)
export type OsisTenant = Static<typeof OsisTenant>

export const NewOsisUser = Type.Object(
  {
    user_id: optionalText('Ignored: the server makes the id.'),
    canonical_user_id: optionalText('Ignored: the server makes the id.'),
    user_arn: optionalText('Ignored.'),
    tenant_id: optionalText('Ignored: the tenant in the path decides.'),
    active: optionalFlag('The status of the platform user; true when absent.'),
    username: optionalText('The platform username mapped with VCD user; the VCD user id when absent.'),
    email: optionalText(
      'The user email of the VCD user. A user of the customer with the same e-mail and no account yet is given the account.',
      'email',
    ),
    role: Type.Optional(
      Type.Unsafe<AccountRole | null>({
        type: ['string', 'null'],
        enum: [...ACCOUNT_ROLES, null],
        description: 'user role; UNKNOWN when absent. Stored and answered, never turned into privileges.',
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
        cd_tenant_id: '40b97e3c-c3b1-4251-b7de-e9637324683f',
        active: true,
        cd_user_id: 'rachelw',
        email: 'rachelw@acme.com',
        username: 'rachelw',
      },
    ],
  },
)
export type NewOsisUser = Static<typeof NewOsisUser>

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
    cd_user_id: Type.String({ description: 'The ID of the VCD user.' }),
    cd_tenant_id: Type.String({ description: 'The ID of the VCD tenant.' }),
  },
  {
    title: 'OsisUser',
    examples: [
      {
        tenant_id: 'acme_7f3k2mqa',
        role: 'TENANT_USER',
        canonical_user_id: 'acme_7f3k2mqa$0199f3a0-7c1e-7000-8000-5a1d3c9be2f4',
        user_id: '0199f3a0-7c1e-7000-8000-5a1d3c9be2f4',
        cd_tenant_id: '40b97e3c-c3b1-4251-b7de-e9637324683f',
        active: true,
        user_arn: null,
        cd_user_id: 'rachelw',
        email: 'rachelw@acme.com',
        username: 'rachelw',
      },
    ],
  },
)
export type OsisUser = Static<typeof OsisUser>

export const OsisS3Credential = Type.Object(
  {
    access_key: Type.String(),
    secret_key: Type.String({ description: 'In every answer: Object Storage Extension signs with it.' }),
    active: Type.Boolean(),
    creation_date: Type.String({ format: 'date-time' }),
    tenant_id: Type.String(),
    user_id: Type.String(),
    username: Type.String(),
    cd_user_id: Type.String(),
    cd_tenant_id: Type.String(),
    immutable: Type.Boolean(),
  },
  { title: 'OsisS3Credential' },
)
export type OsisS3Credential = Static<typeof OsisS3Credential>

export const CredentialPage = Type.Object(
  {
    items: Type.Array(OsisS3Credential),
    page_info: Type.Object({
      limit: Type.Integer(),
      offset: Type.Integer(),
      total: Type.Integer({ description: 'Items that match before paging.' }),
    }),
  },
  { title: 'PageOfOsisS3Credential' },
)

export const Information = Type.Object(
  {
    platform_name: Type.String(),
    platform_version: Type.String(),
    api_version: Type.String(),
    status: Type.Unsafe<string>({ type: 'string', enum: ['NORMAL', 'WARNING', 'ERROR', 'UNKNOWN'] }),
    not_implemented: Type.Array(Type.String(), { description: 'Operations that answer 501.' }),
    logo_uri: Type.String({ format: 'uri' }),
    auth_modes: Type.Array(Type.Unsafe<string>({ type: 'string', enum: ['Basic', 'Bearer'] })),
    services: Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: { type: 'string' },
    }),
    regions: Type.Array(Type.String()),
    storage_classes: Type.Array(Type.String()),
    iam: Type.Boolean(),
    tenant_s3_domain_enabled: Type.Boolean(),
  },
  { title: 'Information' },
)

/** The closed list of error codes. Only the first is in the published specification. */
export const ERROR_CODES = [
  'E_BAD_REQUEST',
  'E_UNAUTHORIZED',
  'E_FORBIDDEN',
  'E_NOT_FOUND',
  'E_CONFLICT',
  'E_NOT_IMPLEMENTED',
  'E_PLATFORM',
  'E_INTERNAL',
] as const
export type OsisErrorCode = (typeof ERROR_CODES)[number]

export const OsisError = Type.Object(
  {
    code: Type.Unsafe<OsisErrorCode>({ type: 'string', enum: [...ERROR_CODES] }),
    message: Type.String(),
  },
  { title: 'OsisError' },
)
export type OsisError = Static<typeof OsisError>

const failed = (description: string, code: OsisErrorCode, message: string) => ({
  ...OsisError,
  description,
  examples: [{ code, message }],
})

/** What every operation can answer beside its success. */
export const failures = {
  400: failed('Bad Request', 'E_BAD_REQUEST', 'cd_user_id is required'),
  401: failed('Unauthorized', 'E_UNAUTHORIZED', 'The client id or secret is wrong'),
  403: failed('Forbidden', 'E_FORBIDDEN', "The client's permission is viewer; the OSIS API takes osis."),
  404: failed('Not Found', 'E_NOT_FOUND', 'There is no tenant with the id acme.'),
  500: failed('Internal Server Error', 'E_INTERNAL', 'something went wrong on our side'),
  503: failed('Service Unavailable', 'E_PLATFORM', 'The platform cannot be reached at the moment.'),
} as const

/** And what one with a body can. */
export const bodyFailures = {
  ...failures,
  413: failed('Payload Too Large', 'E_BAD_REQUEST', 'the body is larger than 1 MiB'),
  415: failed('Unsupported Media Type', 'E_BAD_REQUEST', 'the body must be application/json'),
} as const
