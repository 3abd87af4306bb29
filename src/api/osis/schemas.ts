import type { Static, TSchema } from 'typebox'
import { Type } from '../../json-schema.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { rateLimitHeaders, retryAfterHeader } from '../retry-after.ts'

/**
 * A text that may be absent, null or empty; in a request all three mean the same (section 2.4 of the contract). Clients
 * written in Java send an empty text for what was not filled in.
 */
export const optionalText = (description: string, format: 'text' | 'email-or-empty' = 'text') =>
  Type.Optional(
    Type.Unsafe<string | null>({ type: ['string', 'null'], format, maxLength: MAX_TEXT, description }),
  )

/** A member that is ignored in a request, whatever it holds. */
export const ignored = (why: string) =>
  Type.Optional(Type.Unsafe<unknown>({ description: `Ignored, whatever it holds: ${why}` }))

export const requiredText = (description: string) =>
  Type.String({ format: 'text', minLength: 1, maxLength: MAX_TEXT, description })

export const optionalFlag = (description: string) =>
  Type.Optional(Type.Unsafe<boolean | null>({ type: ['boolean', 'null'], description }))

export const nullable = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })

export const TenantParams = Type.Object({ tenantId: Type.String({ description: 'The ID of the tenant.' }) })

export const UserParams = Type.Object({
  tenantId: Type.String({ description: 'The ID of the tenant which the user belongs to.' }),
  userId: Type.String({ description: 'The ID of the platform user.' }),
})

/** The largest limit of a page. A larger one is lowered to it. */
export const MAX_LIMIT = 1_000

const count = (rest: { description: string; default?: number }) =>
  Type.Integer({ minimum: 0, format: 'int64', ...rest })

export const PageQuery = Type.Object({
  offset: Type.Optional(count({ default: 0, description: 'Items to skip.' })),
  limit: Type.Optional(
    count({
      default: 100,
      description: `The most items to return; a larger one is lowered to ${MAX_LIMIT}.`,
    }),
  ),
})

export const FilterQuery = Type.Object({
  ...PageQuery.properties,
  filter: Type.Optional(
    Type.String({
      format: 'text',
      description: 'Terms of the form name==value, joined by ; which means and.',
      examples: ['cd_tenant_id==c3a9e0f2-18d4-4b7e-8f61-72d5b90ae416'],
    }),
  ),
})

export const PurgeQuery = Type.Object({
  purge_data: Type.Optional(
    Type.Boolean({ default: false, description: 'Whether users, keys and data go too.' }),
  ),
})

/** Returns the schema of a response: the schema of its body, with the meaning of the response as its description. */
export const response = <Body extends TSchema>(description: string, body: Body): Body => ({
  ...body,
  description,
})

/** Returns the schema of a response without a body. */
export const noBody = (description: string) => Type.Null({ description })

/**
 * Returns the schema of a response to HEAD: its headers are those of the body that GET has, and it has none itself.
 */
export const headOf = <Body extends TSchema>(description: string, _body: Body) =>
  Type.Unsafe<Static<Body>>(Type.Null({ description }))

/** Returns the schema of a page, titled after the schema of its items. */
export const pageOf = <T extends TSchema & { title?: string }>(item: T) =>
  Type.Object(
    {
      items: Type.Array(item),
      page_info: Type.Object({
        limit: count({ description: 'That of the request, lowered if need be.' }),
        offset: count({ description: 'That of the request; 9007199254740991 in place of a larger one.' }),
        total: count({ description: 'Items that match before paging.' }),
      }),
    },
    { title: `PageOf${item.title}` },
  )

/** The closed list of error codes. Only the first is in the published specification. */
const ERROR_CODES = [
  'E_BAD_REQUEST',
  'E_UNAUTHORIZED',
  'E_FORBIDDEN',
  'E_NOT_FOUND',
  'E_CONFLICT',
  'E_TOO_MANY_REQUESTS',
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

const failed = (description: string, code: OsisErrorCode, message: string) => ({
  ...OsisError,
  description,
  examples: [{ code, message }],
})

/** A 401. In bearer mode it has the optional members too (section 3.3 of the contract). */
export const Unauthorized = Type.Object(
  {
    ...OsisError.properties,
    status: Type.Optional(Type.Integer()),
    error_code: Type.Optional(
      Type.Unsafe<1 | 2>({ type: 'integer', enum: [1, 2], description: '1: not accepted. 2: expired.' }),
    ),
    timestamp: Type.Optional(Type.String({ format: 'date-time' })),
  },
  { title: 'Unauthorized' },
)

/** Failures of every operation. */
export const failures = {
  400: failed('Bad Request', 'E_BAD_REQUEST', 'cd_user_id is required'),
  401: {
    ...Unauthorized,
    description: 'Unauthorized',
    examples: [{ code: 'E_UNAUTHORIZED' as const, message: 'The client id or secret is wrong' }],
  },
  403: failed('Forbidden', 'E_FORBIDDEN', "The client's permission is viewer; the OSIS API takes osis."),
  404: failed('Not Found', 'E_NOT_FOUND', 'There is no tenant with the id acme.'),
  429: {
    ...failed(
      'Too Many Requests',
      'E_TOO_MANY_REQUESTS',
      'Too many requests from this address have failed. Wait 42 s.',
    ),
    headers: rateLimitHeaders,
  },
  500: failed('Internal Server Error', 'E_INTERNAL', 'something went wrong on our side'),
  503: {
    ...failed('Service Unavailable', 'E_PLATFORM', 'The platform cannot be reached at the moment.'),
    headers: retryAfterHeader,
  },
} as const

/** Failures of operations with a body. */
export const bodyFailures = {
  ...failures,
  413: failed('Payload Too Large', 'E_BAD_REQUEST', 'the body is larger than 128 KiB'),
  415: failed('Unsupported Media Type', 'E_BAD_REQUEST', 'the body must be application/json'),
} as const

/** Failures of removals. */
export const removalFailures = {
  ...bodyFailures,
  409: failed('Conflict', 'E_CONFLICT', 'The user owns buckets; remove them first, or purge the user.'),
} as const

export const notImplemented = failed(
  'Not Implemented',
  'E_NOT_IMPLEMENTED',
  'getBucketLoggingId is not implemented.',
)
