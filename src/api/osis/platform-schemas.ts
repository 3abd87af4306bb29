import { type Static, Type } from 'typebox'
import { PageQuery, pageOf } from './schemas.ts'

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

const Exclusion = Type.Object(
  {
    all: Type.Optional(Type.Boolean({ description: 'The call is not supported at all.' })),
    by_params: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    by_headers: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    by_payload: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
  },
  { title: 'Exclusion' },
)

export const OsisS3Capabilities = Type.Object(
  {
    exclusions: Type.Unsafe<Record<string, Static<typeof Exclusion>>>({
      type: 'object',
      minProperties: 1,
      additionalProperties: Exclusion,
      description: 'S3 calls, in snake case, that the platform does not support, or not wholly.',
    }),
  },
  {
    title: 'OsisS3Capabilities',
    examples: [
      { exclusions: { get_bucket_logging: { all: true }, get_object: { by_params: ['partNumber'] } } },
    ],
  },
)
export type OsisS3Capabilities = Static<typeof OsisS3Capabilities>

const bytes = (description: string) => Type.Integer({ description })

export const OsisUsage = Type.Object(
  {
    bucket_count: Type.Integer(),
    object_count: Type.Integer(),
    total_bytes: bytes('The quota; -1 where there is none.'),
    available_bytes: bytes('What is left of the quota; -1 where there is none.'),
    used_bytes: bytes('What the objects take.'),
  },
  { title: 'OsisUsage' },
)
export type OsisUsage = Static<typeof OsisUsage>

export const UsageQuery = Type.Object({
  tenant_id: Type.Optional(Type.String({ description: 'One tenant; the whole platform when left out.' })),
  user_id: Type.Optional(Type.String({ description: 'One user of the tenant.' })),
})
export type UsageQuery = Static<typeof UsageQuery>

export const OsisBucketMeta = Type.Object(
  {
    name: Type.String(),
    creation_date: Type.String({ format: 'date-time' }),
    user_id: Type.String({ description: 'The canonical id of the owner.' }),
  },
  { title: 'OsisBucketMeta' },
)

export const BucketPage = pageOf(OsisBucketMeta)

export const BucketQuery = Type.Object({
  tenant_id: Type.String({ description: 'The tenant.' }),
  ...PageQuery.properties,
})
export type BucketQuery = Static<typeof BucketQuery>

export const AnonymousUser = Type.Object(
  { id: Type.String(), name: Type.String() },
  { title: 'AnonymousUser' },
)

export const ConsoleQuery = Type.Object({
  tenant_id: Type.Optional(Type.String({ description: 'One tenant; the whole platform when left out.' })),
  lang: Type.Optional(Type.String({ description: 'A language code.' })),
})
export type ConsoleQuery = Static<typeof ConsoleQuery>
