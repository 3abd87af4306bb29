import type { Static, TSchema } from 'typebox'
import { Type } from '../../json-schema.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { IF_MATCH, MAX_IF_MATCH } from '../etag.ts'
import { rateLimitHeaders, retryAfterHeader } from '../retry-after.ts'

/** There are only three groups, but callers may repeat them in a list (docs/decisions/0007). */
const MAX_GROUPS = 32

/** Declares an id. */
export const uuid = (description: string) => Type.String({ format: 'uuid', description })

/** Declares a string of an object's view that may be null. */
export const nullable = (description: string, format?: 'uuid' | 'date-time') =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...(format && { format }), description })

/** Declares a short text that may be null. */
export const nullableText = (description: string, format: 'text' | 'email', example: string) =>
  Type.Unsafe<string | null>({
    type: ['string', 'null'],
    format,
    maxLength: MAX_TEXT,
    description: `${description} This may be up to ${MAX_TEXT} characters.`,
    examples: [example],
  })

/** Headers of every operation. Their names match in any case. */
export const Headers = Type.Object({
  'X-Tenant': Type.String({
    minLength: 1,
    description: 'The domain used to access the portal.',
    examples: ['localhost'],
  }),
  'X-Correlation-Id': Type.Optional(
    Type.String({
      format: 'uuid',
      description:
        'This header is optional and by setting it you can correlate the audit logs made by this request. ' +
        'Made by the server when absent; always returned.',
    }),
  ),
})

/** Headers of every POST and PATCH, except bulk calls. */
export const WriteHeaders = Type.Object({
  ...Headers.properties,
  'Idempotency-Key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_TEXT,
      pattern: '^[\\x21-\\x7e]+$',
      description:
        'Makes the call safe to repeat: for 24 hours, the same key gets the response of the first call that ' +
        'succeeded under it. The same key with another request is refused. Kept per client.',
    }),
  ),
})

/** Headers of bulk calls. */
export const BulkHeaders = Type.Object({
  ...Headers.properties,
  'Idempotency-Key': Type.Optional(
    Type.String({
      pattern: '(?!)',
      title: 'left out: each line of a bulk call may be repeated by itself',
      description: 'Refused: each line of a bulk call may be repeated by itself.',
    }),
  ),
})

/** The header of a change that may depend on the state of its object. */
export const ifMatchHeader = {
  'If-Match': Type.Optional(
    Type.String({
      pattern: IF_MATCH,
      title: 'ETags, each in double quotes, with a comma between, or *',
      maxLength: MAX_IF_MATCH,
      description:
        'Makes the change only if the object still has one of these ETags; otherwise the response is 412. `*` is ' +
        'any state (RFC 9110 section 13.1.1).',
    }),
  ),
} as const

export const CustomerParams = Type.Object({ customerId: uuid('GUID Unique identifier for the customer.') })

export const ResellerParams = Type.Object({ resellerId: uuid('GUID Unique identifier for the reseller.') })

export const ResellerQuery = Type.Object({
  resellerId: Type.Optional(
    uuid(
      'GUID Unique identifier for the reseller. The reseller context that the customer will be created under. ' +
        "A reseller's own is implied.",
    ),
  ),
})

export const UserViewModel = Type.Object(
  {
    id: Type.Optional(
      uuid('The id of the user. Made by the server when absent or the nil UUID; refused when it is taken.'),
    ),
    firstName: nullableText('The first name of the user.', 'text', 'Ada'),
    lastName: nullableText('The last name of the user.', 'text', 'Lovelace'),
    email: nullableText(
      'The email. Unique in the customer, compared without case.',
      'email',
      'ada@example.com',
    ),
    role: Type.Optional(
      Type.Object(
        {},
        {
          additionalProperties: false,
          'x-usher-ignored': true,
          description: 'Additional properties are NOT allowed.',
        },
      ),
    ),
    groups: Type.Unsafe<{ id: string; name?: string | null }[] | null>({
      type: ['array', 'null'],
      maxItems: MAX_GROUPS,
      description: 'The user groups. An empty list and null mean none; a repeated group counts once.',
      items: Type.Object({
        id: uuid('The id of the group.'),
        name: Type.Optional(
          Type.Unsafe<string | null>({
            type: ['string', 'null'],
            maxLength: MAX_TEXT,
            'x-usher-ignored': true,
            description: 'The group name. Ignored: the id decides.',
          }),
        ),
      }),
    }),
  },
  {
    title: 'UserViewModel',
    description: 'The user info to create the user.',
    examples: [{ firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com', role: {}, groups: [] }],
  },
)

/** The closed list of error types. */
const ERROR_TYPES = [
  'ValidationError',
  'NotFound',
  'Conflict',
  'PayloadTooLarge',
  'UnsupportedMediaType',
  'TooManyRequests',
  'PreconditionFailed',
  'Unavailable',
  'InternalError',
] as const
export type ErrorType = (typeof ERROR_TYPES)[number]

export const ErrorModel = Type.Object(
  {
    statusCode: Type.Integer({
      format: 'int32',
      description: 'The HTTP status code that represents a specific error scenario.',
    }),
    type: Type.Unsafe<ErrorType>({
      type: ['string', 'null'],
      enum: [...ERROR_TYPES],
      description: 'The type of error that occurred.',
    }),
    description: Type.Unsafe<string>({
      type: ['string', 'null'],
      description: 'Describes the error scenario that occurred.',
    }),
    correlationId: Type.Unsafe<string>({
      type: ['string', 'null'],
      description: 'The correlationId of the request that originated the error.',
    }),
    errors: Type.Unsafe<{ propertyName: string; description: string[] }[]>({
      type: ['array', 'null'],
      description:
        'A list containing the detail of the errors that occurred in this error scenario, sorted by property.',
      items: Type.Object({
        propertyName: Type.Unsafe<string>({
          type: ['string', 'null'],
          description: 'The name of the property involved in the error.',
        }),
        description: Type.Unsafe<string[]>({
          type: ['array', 'null'],
          items: { type: 'string' },
          description: 'A description of each error associated with the given property.',
        }),
      }),
    }),
  },
  { title: 'Error' },
)

/** Documents the headers of a response; every response has the correlation id. */
const respondsWith = (headers: Readonly<Record<string, object>> = {}) => ({
  headers: {
    'X-Correlation-Id': { type: 'string', format: 'uuid', description: 'The correlation id of the request.' },
    ...headers,
  },
})

const correlated = respondsWith()

/** What a document says about the header `ETag` of a response. */
export const etagHeader = {
  ETag: { type: 'string', description: 'The state of the object, for `If-Match` (RFC 9110 section 8.8.3).' },
} as const

/** What a document says about the header `Location` of a response. */
export const locationHeader = {
  Location: { type: 'string', description: 'The path of the object that was made, or of the job.' },
} as const

/** A response without a body. */
export const NoBody = (description: string, headers?: Readonly<Record<string, object>>) =>
  Type.Null({ description, ...respondsWith(headers) })

/** Adds to the schema of a response body what the document says about the response. */
export const Responds = <Schema extends TSchema>(
  schema: Schema,
  description: string,
  headers?: Readonly<Record<string, object>>,
): Schema => ({ ...schema, ...respondsWith(headers), description })

type ErrorExample = Pick<Static<typeof ErrorModel>, 'type' | 'description'> &
  Partial<Pick<Static<typeof ErrorModel>, 'errors'>>

/** @param example what the response has besides its status and the correlation id */
const failed = (statusCode: number, description: string, example: ErrorExample) => ({
  description,
  ...correlated,
  ...ErrorModel,
  $id: undefined,
  examples: [{ statusCode, correlationId: 'dc1b5c3e-1d5a-4f0e-9f4e-6a1f0b7c2d3e', errors: [], ...example }],
})

/** Failures of every operation. */
export const failures = {
  400: failed(400, 'Bad Request', {
    type: 'ValidationError',
    description: 'The request is not valid.',
    errors: [{ propertyName: 'email', description: ['must be an e-mail address'] }],
  }),
  401: Type.Null({ description: 'Unauthorized. `WWW-Authenticate` has the reason.', ...correlated }),
  403: Type.Null({
    description: 'Forbidden. The audit log has the reason, under the correlation id of the response.',
    ...correlated,
  }),
  404: failed(404, 'Not Found', { type: 'NotFound', description: 'The customer does not exist.' }),
  413: failed(413, 'Payload Too Large', {
    type: 'PayloadTooLarge',
    description: 'The body is larger than 128 KiB.',
  }),
  415: failed(415, 'Unsupported Media Type', {
    type: 'UnsupportedMediaType',
    description: 'The body must be application/json.',
  }),
  429: {
    ...failed(429, 'Too Many Requests', {
      type: 'TooManyRequests',
      description: 'This client has sent more than 1000000 requests in a minute. Wait 42 s.',
    }),
    headers: { ...correlated.headers, ...rateLimitHeaders },
  },
  500: failed(500, 'Internal Server Error', {
    type: 'InternalError',
    description: 'Something went wrong on our side.',
  }),
  503: {
    ...failed(503, 'Service Unavailable', {
      type: 'Unavailable',
      description: 'The store cannot be reached at the moment.',
    }),
    headers: { ...correlated.headers, ...retryAfterHeader },
  },
} as const

/** The failure of a change with `If-Match`. */
export const preconditionFailure = {
  412: failed(412, 'Precondition Failed', {
    type: 'PreconditionFailed',
    description: 'The object has changed. Read it again, and send its new ETag.',
  }),
} as const
