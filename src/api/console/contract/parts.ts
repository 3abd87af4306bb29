import type { Static, TObject, TSchema } from 'typebox'
import { Type } from '../../../json-schema.ts'
import { CALLER_KINDS } from '../../../model/context.ts'
import { ERROR_CODES } from '../../../model/error.ts'
import { ORGANIZATION_KINDS } from '../../../model/organizations.ts'
import { ISSUE_RULES } from '../../../model/rules.ts'

// The browser imports the types of this folder. Its files import typebox, json-schema.ts, and types and constants of
// model alone.

/** One operation of the console's API. The server makes its route of it, and the browser the types of its calls. */
export interface OperationDeclaration {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** The path after `/console/api`; parameters begin with a colon. */
  readonly path: string
  /** Its name in access rules, audit and metrics; null if it needs no session and is not audited. */
  readonly operation: string | null
  /** The group of the document that it is in. */
  readonly tag: string
  /** One sentence for the document, without a full stop. */
  readonly summary: string
  readonly params?: TObject
  readonly query?: TObject
  readonly body?: TObject
  /** The body of the response; `Type.Null` for a response without one. */
  readonly response: TSchema
  /** The status of success, if it is not 200 (204 without a body). */
  readonly status?: 201 | 202
  /** Whether the call needs `If-Match` with the `etag` of what it changes. */
  readonly ifMatch?: true
  /** The path parameters that name the subject of the operation, for the audit entry of a refusal. */
  readonly subject?: { readonly organization?: string; readonly target?: string }
}

/** Declares an id. */
export const uuid = (description: string) => Type.String({ format: 'uuid', description })

/** Declares a time. */
export const time = (description: string) => Type.String({ format: 'date-time', description })

/** Declares a text that may be null. */
export const nullable = (description: string, format?: 'uuid' | 'date-time') =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...(format && { format }), description })

/** Declares what another schema declares, or null. */
export const nullableOf = <S extends TSchema>(schema: S, description: string) =>
  Type.Unsafe<Static<S> | null>({ anyOf: [schema, Type.Null()], description })

/** Declares a list. */
export const listOf = <S extends TSchema>(schema: S, description: string) =>
  Type.Unsafe<readonly Static<S>[]>({ type: 'array', items: schema, description })

/** Declares one of several words. */
export const oneOf = <const Words extends readonly string[]>(words: Words, description: string) =>
  Type.Unsafe<Words[number]>({ type: 'string', enum: [...words], description })

/** The path parameter of most operations. */
export const IdParams = Type.Object({ id: uuid('The id.') })

/** The most items of a page, and how many it has if the call does not say. */
export const MAX_LIMIT = 200
export const DEFAULT_LIMIT = 50

/** The query of every list. A list adds its filters. */
export const listQuery = {
  after: Type.Optional(
    Type.String({ maxLength: 2_000, description: 'The `next` of the page before, with the same filters.' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_LIMIT,
      description: `The most items of the page (default: ${DEFAULT_LIMIT}).`,
    }),
  ),
} as const

/** Declares a page of a list. */
export const Page = <Row extends TSchema>(row: Row) =>
  Type.Object({
    items: Type.Array(row),
    next: nullable('Where the next page begins; null on the last page.'),
  })

/** An organization by its id, with what names it on the screen. */
export const OrganizationRef = Type.Object({
  id: uuid('The id of the organization.'),
  name: Type.String({ description: 'The name.' }),
  kind: oneOf(ORGANIZATION_KINDS, 'What it is.'),
})

/** A group by its id and name. */
export const GroupRef = Type.Object({
  id: uuid('The id of the group.'),
  name: Type.String({ description: 'The name.' }),
})

/** Who made a call. */
export const CallerRef = Type.Object({
  kind: oneOf(CALLER_KINDS, 'What called.'),
  id: nullable('The id of the client or user; null for the operator.', 'uuid'),
  name: nullable('The name of the client or person; null if it is not known here.'),
})

/** A reseller by its id and name. */
export const ResellerRef = Type.Object({
  id: uuid('The id of the reseller.'),
  name: Type.String({ description: 'The name.' }),
})

/** The version of a thing that can be changed, for `If-Match`. */
export const etag = Type.String({ description: 'The state of the thing, for `If-Match`.' })

/** Codes of failures that do not come from the directory. */
const OTHER_CODES = [
  'not_signed_in',
  'cross_site',
  'wrong_host',
  'insecure',
  'unknown_path',
  'body',
  'too_large',
  'unsupported',
  'too_many_requests',
  'overloaded',
  'internal',
] as const

const PROBLEM_CODES = [...ERROR_CODES, ...OTHER_CODES] as const

/** Every code of a failure. */
export type ProblemCode = (typeof PROBLEM_CODES)[number]

const PROBLEM_TYPES = [
  'ValidationError',
  'Unauthorized',
  'Forbidden',
  'NotFound',
  'Conflict',
  'PreconditionFailed',
  'PayloadTooLarge',
  'UnsupportedMediaType',
  'MisdirectedRequest',
  'TooManyRequests',
  'Unavailable',
  'InternalError',
] as const
export type ProblemType = (typeof PROBLEM_TYPES)[number]

/** The body of every failure. */
export const Problem = Type.Object(
  {
    statusCode: Type.Integer({ description: 'The HTTP status.' }),
    type: oneOf(PROBLEM_TYPES, 'The kind of failure.'),
    code: oneOf(PROBLEM_CODES, 'What failed, from a closed list.'),
    description: Type.String({ description: 'What is wrong, and what to do, in English.' }),
    correlationId: uuid('The correlation id of the request.'),
    errors: Type.Array(
      Type.Object({
        propertyName: Type.String({ description: 'The member of the request, such as `groups[2].id`.' }),
        rule: oneOf(ISSUE_RULES, 'The rule that it breaks, from a closed list.'),
        params: Type.Record(Type.String(), Type.Unsafe<string | number>({ type: ['string', 'number'] }), {
          description: 'What the rule was given, such as `max`.',
        }),
        description: Type.String({ description: 'The rest of a sentence that begins with the member.' }),
      }),
      { description: 'What is wrong with the request, ordered by member.' },
    ),
    existing: Type.Optional(
      Type.Object(
        {
          userId: uuid('The id of the user.'),
        },
        { description: 'The user who has the e-mail address already, if the person reaches them.' },
      ),
    ),
    current: Type.Optional(
      Type.Object(
        {
          etag,
          firstName: nullable('The first name.'),
          lastName: nullable('The last name.'),
          email: nullable('The e-mail address.'),
          active: Type.Boolean({ description: 'Whether the user is not suspended.' }),
          groups: Type.Array(GroupRef),
          updatedAt: time('When the user was changed last.'),
        },
        { description: 'With 412: the user as they are now.' },
      ),
    ),
  },
  { title: 'Problem', description: 'A failure.' },
)
export type Problem = Static<typeof Problem>
