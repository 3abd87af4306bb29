import type { Static } from 'typebox'
import { Type } from '../../json-schema.ts'
import { PageQuery, pageOf } from './schemas.ts'

export const Information = Type.Object(
  {
    platform_name: Type.String(),
    platform_version: Type.String(),
    api_version: Type.String(),
    status: Type.Unsafe<string>({ type: 'string', enum: ['NORMAL', 'WARNING', 'ERROR', 'UNKNOWN'] }),
    not_implemented: Type.Array(Type.String(), { description: 'Operations that respond with 501.' }),
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

const exclusionOf = (
  list: { minItems?: number },
  options: { title?: string; additionalProperties?: false },
) =>
  Type.Object(
    {
      all: Type.Optional(Type.Boolean({ description: 'The call is not supported at all.' })),
      by_params: Type.Optional(Type.Array(Type.String(), list)),
      by_headers: Type.Optional(Type.Array(Type.String(), list)),
      by_payload: Type.Optional(Type.Array(Type.String(), list)),
    },
    options,
  )

type Exclusions = Readonly<Record<string, Static<ReturnType<typeof exclusionOf>>>>

export const OsisS3Capabilities = Type.Object(
  {
    exclusions: Type.Unsafe<Exclusions>({
      type: 'object',
      minProperties: 1,
      additionalProperties: exclusionOf({ minItems: 1 }, { title: 'Exclusion' }),
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
/** The S3 calls that the platform does not support, or supports in part. */
export type S3Capabilities = Static<typeof OsisS3Capabilities>

/** An operator's file of capabilities. Unlike the response, it may hold empty lists; unknown members are refused. */
export const CapabilitiesFile = Type.Object({
  exclusions: Type.Unsafe<Exclusions>({
    type: 'object',
    minProperties: 1,
    propertyNames: {
      type: 'string',
      pattern: '^[a-z0-9]+(_[A-Za-z0-9]+)*$',
      title: 'an S3 call in snake case',
    },
    additionalProperties: exclusionOf({}, { additionalProperties: false }),
  }),
})

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

export const UsageQuery = Type.Object({
  tenant_id: Type.Optional(Type.String({ description: 'One tenant; the whole platform when left out.' })),
  user_id: Type.Optional(Type.String({ description: 'One user of the tenant.' })),
})

const OsisBucketMeta = Type.Object(
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

export const AnonymousUser = Type.Object(
  { id: Type.String(), name: Type.String() },
  { title: 'AnonymousUser' },
)

export const ConsoleQuery = Type.Object({
  tenant_id: Type.Optional(Type.String({ description: 'One tenant; the whole platform when left out.' })),
  lang: Type.Optional(Type.String({ description: 'A language code.' })),
})
