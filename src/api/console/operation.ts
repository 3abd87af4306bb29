import type { FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { Type } from '../../json-schema.ts'
import type { Operation } from '../../model/audit.ts'
import type { Context } from '../../model/context.ts'
import type { Issue } from '../../model/error.ts'
import { MAX_TEXT } from '../../model/text.ts'
import type { ExpectedStates } from '../../model/versions.ts'
import { fromIfMatch, IF_MATCH, MAX_IF_MATCH } from '../etag.ts'
import { rateLimitHeaders, retryAfterHeader } from '../retry-after.ts'
import { openRoute, type RequestSchemas, type ResponseSchemas, type Route, route } from '../route.ts'
import { type OperationDeclaration, Problem } from './contract/parts.ts'

/** A declaration whose operation is one of the directory. */
type Known = OperationDeclaration & { readonly operation: Operation | null }
/** A declaration of an operation for signed-in people. */
export type Admitted = Known & { readonly operation: Operation }

type Part<D, Name extends string> = D extends { readonly [N in Name]: infer Schema extends TSchema }
  ? Static<Schema>
  : undefined

interface Parts<D> {
  readonly params: Part<D, 'params'>
  readonly query: Part<D, 'query'>
  readonly body: Part<D, 'body'>
}

/** What a handler gets. `expected` has the states of `If-Match`. */
export interface ConsoleCall<D> extends Parts<D> {
  readonly ctx: Context
  readonly expected: ExpectedStates
}

/** What the handler of an operation without a session gets. */
export interface OpenConsoleCall<D> extends Parts<D> {
  readonly request: FastifyRequest
}

/** A result with headers of the response. */
export class WithHeaders<Body> {
  readonly body: Body
  readonly headers: Readonly<Record<string, string>>

  constructor(body: Body, headers: Readonly<Record<string, string>>) {
    this.body = body
    this.headers = headers
  }
}

type Responded<D extends OperationDeclaration> = Static<D['response']> | WithHeaders<Static<D['response']>>
type Handler<Call, D extends OperationDeclaration, P> = (
  call: Call,
  parts: P,
) => Responded<D> | Promise<Responded<D>>

/**
 * Makes the route of an operation of the contract, for signed-in people.
 * @param handle makes one call of `directory` or `provisioning`, and returns the response of the contract
 * @param rules checks a body of the wrong shape by the rules beyond its schema, so that one response names all faults
 */
export function serve<const D extends Admitted, P>(
  declared: D,
  handle: Handler<ConsoleCall<D>, D, P>,
  rules?: (body: unknown) => readonly Issue[],
): Route<P> {
  const { operation, subject } = declared
  return route<RequestSchemas, ResponseSchemas, P>({
    ...toDeclaration(declared),
    operation,
    ...(rules && { rules: async (body: unknown) => rules(body) }),
    ...(subject && { subject: subject as never }),
    async handle(call, parts) {
      const ifMatch = (call.headers as Readonly<Record<string, string | undefined>> | undefined)?.['if-match']
      const expected = fromIfMatch(ifMatch)
      return toResponse(declared, await handle({ ...call, expected } as unknown as ConsoleCall<D>, parts))
    },
  })
}

/** As `serve`, for people who are not signed in. */
export function serveOpen<const D extends Known, P>(
  declared: D,
  handle: Handler<OpenConsoleCall<D>, D, P>,
): Route<P> {
  const { operation } = declared
  return openRoute<RequestSchemas, ResponseSchemas, P>({
    ...toDeclaration(declared),
    ...(operation && { operation }),
    handle: async (call, parts) =>
      toResponse(declared, await handle(call as unknown as OpenConsoleCall<D>, parts)),
  })
}

/** Headers of every operation. */
const Headers = {
  'X-Correlation-Id': Type.Optional(
    Type.String({ format: 'uuid', description: 'Names the call in audit and logs; made here when absent.' }),
  ),
} as const

const IdempotencyKey = {
  'Idempotency-Key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_TEXT,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'Makes the call safe to repeat for 24 hours, with the same request.',
    }),
  ),
} as const

const IfMatch = {
  'If-Match': Type.String({
    pattern: IF_MATCH,
    title: 'the `etag` of what it changes in double quotes, or *',
    maxLength: MAX_IF_MATCH,
    description: 'The state that the change is for.',
  }),
} as const

const failure = (description: string, headers: object = {}) => ({ ...Problem, description, headers })

/** Failures of every operation. */
const failures = {
  400: failure('The request is not valid.'),
  401: failure('There is no session, or it has ended.'),
  403: failure('The person may not do this, or the call comes from another site.'),
  404: failure('There is no such thing, or not within reach.'),
  409: failure('It conflicts with what is there.'),
  412: failure('It was changed since it was read.'),
  413: failure('The body is too large.'),
  415: failure('The body is not JSON.'),
  421: failure('The host is not that of the console.'),
  429: failure('Too many requests.', rateLimitHeaders),
  500: failure('Something went wrong on our side.'),
  503: failure('Usher or the platform cannot do it at the moment.', retryAfterHeader),
}

function toDeclaration(declared: OperationDeclaration) {
  const { method, path, tag, summary, params, query, body, response, ifMatch } = declared
  const isRepeatable = (method === 'POST' || method === 'PATCH') && declared.operation !== null
  const headers = Type.Object({ ...Headers, ...(isRepeatable && IdempotencyKey), ...(ifMatch && IfMatch) })
  const success = isNull(response)
    ? Type.Null({ description: 'Done.' })
    : { description: summary, ...response }
  return {
    method,
    url: path,
    document: { operationId: toOperationId(method, path), tags: [tag], summary, description: `${summary}.` },
    schemas: {
      headers,
      ...(params && { params }),
      // A filter with a wrong name would be no filter.
      ...(query && { querystring: { ...query, additionalProperties: false } }),
      ...(body && { body }),
    },
    responses: { [statusOf(declared)]: success, ...failures } as ResponseSchemas,
  }
}

/** Returns `deletePeopleIdSessions` for DELETE `/people/:id/sessions`. */
function toOperationId(method: string, path: string): string {
  const words = path.match(/\w+/g) ?? []
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

function isNull(schema: TSchema): boolean {
  return (schema as { readonly type?: unknown }).type === 'null'
}

function statusOf({ status, response }: OperationDeclaration): number {
  return status ?? (isNull(response) ? 204 : 200)
}

function toResponse<D extends OperationDeclaration>(declared: D, responded: Responded<D>): never {
  const { body, headers } =
    responded instanceof WithHeaders ? responded : { body: responded, headers: undefined }
  const status = statusOf(declared)
  return { status, ...(headers && { headers }), ...(status !== 204 && { body }) } as never
}
