import type { FastifyContextConfig, FastifyRequest, RouteOptions } from 'fastify'
import type { Static, TNull, TObject, TSchema } from 'typebox'
import type { Operation } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import type { Issue } from '../model/error.ts'
import { BODY_LIMITS } from './bodies.ts'
import { toFingerprint } from './fingerprint.ts'
import { toListBody } from './list-body.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The operation of the route: its name in access rules, audit, metrics and documents. */
    operation?: Operation
    /** Whether the route is served without authentication. */
    open?: boolean
    /** Whether an open route takes a body: a request for a token. */
    takesBody?: boolean
    /** Whether the request is a stream of lines; see line-route.ts. */
    takesLines?: boolean
    /** Rules for members of the body beyond its schema; see `RouteDeclaration`. */
    rules?: BodyRules
    /** The parameters that name the subject of the operation, for the audit entry of a refusal. */
    subject?: { readonly [kind in SubjectKind]?: string }
    /** The documented spelling of each header name. The map's key is the name in lower case. */
    headerNames?: ReadonlyMap<string, string>
    /** The documented spelling of each query name. The map's key is the name in lower case. */
    queryNames?: ReadonlyMap<string, string>
  }
  interface FastifyRequest {
    /** The caller's context once the request is admitted: authenticated, permitted, within its portal. */
    context: Context | null
  }
}

/** Checks a body of any shape by the rules beyond its schema. Members of the wrong type are left out. */
type BodyRules = (body: unknown) => Promise<readonly Issue[]>

/** What a parameter names: see `Subject` of the directory. */
type SubjectKind = 'organization' | 'target' | 'reseller'

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What the OpenAPI document says about a route; `hide` keeps a route out of it. */
type RouteDocument = { readonly hide: true } | DocumentTexts

interface DocumentTexts {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  /**
   * Whether the documents that Usher follows do not have the operation. Its description then begins with "Ours.", and
   * the document marks it with `x-usher-ours`.
   */
  readonly ours?: true
  /** Only if it differs from that of the whole API. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  /** The media type of the request body, if it is not JSON. */
  readonly consumes?: readonly string[]
}

/** The parts of a request that a route reads. Each part is checked before the handler runs. */
export interface RequestSchemas {
  readonly headers?: TObject
  readonly params?: TObject
  readonly querystring?: TObject
  readonly body?: TSchema
}

/** Every status that a route can return, with the schema of the response body. `Type.Null` means no body. */
export type ResponseSchemas = Readonly<Record<number, TSchema>>

type Part<Schema> = Schema extends TSchema ? Static<Schema> : undefined

/** Header names arrive in lower case. */
type HeaderPart<Schema> = Schema extends TObject
  ? { [Name in keyof Static<Schema> as Lowercase<Name & string>]: Static<Schema>[Name] }
  : undefined

interface RequestParts<Schemas extends RequestSchemas> {
  readonly params: Part<Schemas['params']>
  readonly query: Part<Schemas['querystring']>
  readonly headers: HeaderPart<Schemas['headers']>
  readonly body: Part<Schemas['body']>
}

/** What a handler gets: the caller's context, and the parts of the request, already checked against their schemas. */
export interface Call<Schemas extends RequestSchemas> extends RequestParts<Schemas> {
  readonly ctx: Context
}

/** What the handler of an open route gets. It may authenticate the request itself. */
interface OpenCall<Schemas extends RequestSchemas> extends RequestParts<Schemas> {
  readonly request: FastifyRequest
}

/** A response with one of the declared statuses. `body` is sent as JSON, `text` as it is. */
type DeclaredResponse<Responses extends ResponseSchemas> = {
  [Status in keyof Responses & number]: {
    readonly status: Status
    readonly headers?: Readonly<Record<string, string>>
  } & Payload<Responses[Status]>
}[keyof Responses & number]

type Payload<Schema extends TSchema> = Schema extends TNull
  ? { readonly body?: undefined; readonly text?: undefined; readonly parts?: undefined }
  : Schema extends { readonly content: object }
    ? { readonly text: string; readonly body?: undefined; readonly parts?: undefined }
    : { readonly body: Static<Schema>; readonly text?: undefined; readonly parts?: undefined } | Parts<Schema>

/** A list that is too long to be in memory: its items, in parts. The response ends with the last part. */
type Parts<Schema extends TSchema> =
  Static<Schema> extends readonly unknown[]
    ? { readonly parts: AsyncIterable<Static<Schema>>; readonly body?: undefined; readonly text?: undefined }
    : never

interface Declaration<Schemas extends RequestSchemas, Responses extends ResponseSchemas> {
  readonly method: Method
  /** The path after the prefix of the API; parameters begin with a colon. */
  readonly url: string
  readonly document: RouteDocument
  readonly schemas: Schemas
  readonly responses: Responses
  /** The largest body, in bytes; `BODY_LIMITS.usual` when left out. */
  readonly bodyLimit?: number
}

export interface RouteDeclaration<Schemas extends RequestSchemas, Responses extends ResponseSchemas, Parts>
  extends Declaration<Schemas, Responses> {
  /** Null for an operation that is not implemented; it has no access rule and no audit entries. */
  readonly operation: Operation | null
  /** The parameters of the path, or of the query, that name the subject of the operation. */
  readonly subject?: {
    readonly [kind in SubjectKind]?: keyof (Part<Schemas['params']> & Part<Schemas['querystring']>) & string
  }
  /**
   * The rules beyond the schema of the body, if there are any. They are checked here only if the shape of the request
   * is wrong, so that one response names everything that is wrong; else the directory checks them.
   */
  readonly rules?: BodyRules
  /** Makes one call of `directory` or `provisioning`, and translates its input and its result. */
  readonly handle: (call: Call<Schemas>, parts: Parts) => Returned<NoInfer<Responses>>
}

interface OpenRouteDeclaration<Schemas extends RequestSchemas, Responses extends ResponseSchemas, Parts>
  extends Declaration<Schemas, Responses> {
  readonly operation?: Operation
  readonly handle: (call: OpenCall<Schemas>, parts: Parts) => Returned<NoInfer<Responses>>
}

type Returned<Responses extends ResponseSchemas> =
  | DeclaredResponse<Responses>
  | Promise<DeclaredResponse<Responses>>

/** A declared route. It becomes a route of Fastify when it gets the parts that its handler needs. */
export type Route<Parts> = (parts: Parts) => RouteOptions

/** Declares a route without admission; its handler may authenticate the caller itself. Otherwise it is like `route`. */
export function openRoute<Schemas extends RequestSchemas, Responses extends ResponseSchemas, Parts>(
  declared: OpenRouteDeclaration<Schemas, Responses, Parts>,
): Route<Parts> {
  const { operation, schemas, handle } = declared
  const config = { open: true, ...(operation && { operation }), ...(schemas.body && { takesBody: true }) }
  return toRoute(declared, config, (request, parts) => {
    const { params, query, headers, body } = request
    return handle({ request, params, query, headers, body } as OpenCall<Schemas>, parts)
  })
}

/** The header by which a caller names a call that it may repeat. A route takes it if its schema has it. */
const IDEMPOTENCY_KEY = 'Idempotency-Key'
const KEY_NAME = IDEMPOTENCY_KEY.toLowerCase()

/**
 * Declares a route that serves admitted callers only. Fastify refuses a request if a part does not fit its schema; then
 * the handler does not run. The handler can only return responses that are declared.
 */
export function route<Schemas extends RequestSchemas, Responses extends ResponseSchemas, Parts>(
  declared: RouteDeclaration<Schemas, Responses, Parts>,
): Route<Parts> {
  const { operation, subject, rules, handle } = declared
  // A bulk call has the header too, and a pattern that no key fits.
  const takesKey = IDEMPOTENCY_KEY in (declared.schemas.headers?.properties ?? {})
  const config = { ...(operation && { operation }), ...(subject && { subject }), ...(rules && { rules }) }
  return toRoute(declared, config, (request, parts) => {
    const { context: ctx, params, query, headers, body } = request
    if (!ctx) throw new Error('the request was not admitted')
    const call = { ctx, params, query, headers, body } as Call<Schemas>
    const key = takesKey ? request.headers[KEY_NAME] : undefined
    if (typeof key !== 'string') return handle(call, parts)
    const idempotency = { key, fingerprint: toFingerprint(declared, ctx.organization.id, call) }
    return handle({ ...call, ctx: { ...ctx, idempotency } }, parts)
  })
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** Makes the route. What does not depend on a request is computed here, once. */
function toRoute<Schemas extends RequestSchemas, Responses extends ResponseSchemas, Parts>(
  {
    method,
    url,
    document,
    schemas,
    responses,
    bodyLimit = BODY_LIMITS.usual,
  }: Declaration<Schemas, Responses>,
  config: FastifyContextConfig,
  run: (request: FastifyRequest, parts: Parts) => Returned<Responses>,
): Route<Parts> {
  const names = { headerNames: spellings(schemas.headers), queryNames: spellings(schemas.querystring) }
  const texts = toTexts(document)
  return (parts) => ({
    method,
    url,
    bodyLimit,
    config: { ...config, ...names },
    schema: { ...texts, ...schemas, response: responses },
    async handler(request, reply) {
      const { status, headers, body, text, parts: list } = await run(request, parts)
      reply.code(status)
      const isEmpty = body === undefined && text === undefined && list === undefined
      if (!isEmpty) reply.header('content-type', JSON_TYPE)
      if (headers) reply.headers(headers)
      if (isEmpty) return undefined
      if (list) return toListBody(list)
      return text === undefined ? JSON.stringify(body) : Buffer.from(text)
    },
  })
}

/** Returns what the OpenAPI document says about a route. */
export function toTexts(document: RouteDocument): object {
  if ('hide' in document) return document
  const { ours = false, ...texts } = document
  const saysOurs = texts.description?.startsWith('Ours. ') === true
  if (saysOurs !== ours)
    throw new Error(`${texts.operationId}: "ours" and a description that begins with "Ours." belong together`)
  return ours ? { ...texts, 'x-usher-ours': true } : texts
}

/** Returns the documented spellings of the names in a part of a request, with the names in lower case as the keys. */
export function spellings(schema: TObject | undefined): ReadonlyMap<string, string> {
  return new Map(Object.keys(schema?.properties ?? {}).map((name) => [name.toLowerCase(), name]))
}
