import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import { isEmail } from '../model/email.ts'
import type { Issue } from '../model/error.ts'
import { isUuid } from '../model/ids.ts'
import { isStorable } from '../model/text.ts'

/**
 * Compiles the schemas of one dialect. All errors of a part are found, not the first; nothing is coerced, removed
 * or filled in, but for numbers and booleans in the query, which arrive as text.
 */
export function newValidatorCompiler(): FastifySchemaCompiler<object> {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    allowUnionTypes: true,
    strictTuples: false,
    formats: FORMATS,
  })
  return ({ schema, httpPart }) => {
    if (httpPart === 'headers') return compiledAtFirstUse(ajv, lowerCaseNames(schema as HeaderSchema))
    const properties = (schema as ObjectSchema).properties
    return compiledAtFirstUse(
      ajv,
      schema,
      httpPart === 'body' ? trimmer(properties) : plainReader(properties),
    )
  }
}

/** Compiling all schemas at once would take a quarter of the time to start. */
function compiledAtFirstUse(ajv: Ajv, schema: object, prepare?: (value: unknown) => void): ValidateFunction {
  let compiled: ValidateFunction | undefined
  const validate = (value: unknown): boolean => {
    compiled ??= ajv.compile(schema)
    prepare?.(value)
    const valid = compiled(value)
    validate.errors = compiled.errors
    return valid
  }
  validate.errors = null as ValidateFunction['errors']
  return validate as unknown as ValidateFunction
}

interface ObjectSchema {
  readonly properties: Readonly<Record<string, MemberSchema>>
}

interface MemberSchema {
  readonly type?: unknown
  readonly maxItems?: number
  readonly additionalProperties?: unknown
}

type Members = Record<string, unknown>

/**
 * Reads plain integers, and `true` and `false`, before they are validated; Ajv's own coercion also takes `0x10`,
 * `1e400` and blanks. Integers too large to be told apart are all read as the largest that is not.
 */
function plainReader(properties: ObjectSchema['properties']): (query: unknown) => void {
  const ofType = (type: string): string[] =>
    Object.keys(properties).filter((name) => properties[name]?.type === type)
  const [integers, booleans] = [ofType('integer'), ofType('boolean')]
  return (query) => {
    const members = query as Members
    for (const name of integers) {
      const text = members[name]
      if (typeof text === 'string' && /^-?\d+$/.test(text))
        members[name] = Math.min(Number(text), Number.MAX_SAFE_INTEGER)
    }
    for (const name of booleans) {
      if (members[name] === 'true' || members[name] === 'false') members[name] = members[name] === 'true'
    }
  }
}

/**
 * Cuts lists that are too long, and closed objects with too many members, down to where they are still refused.
 * To find all errors in a megabyte of them would take the process seconds and gigabytes.
 */
function trimmer(properties: ObjectSchema['properties']): (body: unknown) => void {
  const members = Object.entries(properties)
  return (body) => {
    if (typeof body !== 'object' || body === null) return
    for (const [name, { maxItems, additionalProperties }] of members) {
      const value = (body as Members)[name]
      if (Array.isArray(value) && maxItems !== undefined && value.length > maxItems)
        value.length = maxItems + 1
      if (additionalProperties === false && typeof value === 'object' && value !== null)
        trimMembers(value as Members)
    }
  }
}

function trimMembers(value: Members): void {
  const names = Object.keys(value)
  for (let i = MAX_ISSUES; i < names.length; i++) delete value[names[i] as string]
}

interface HeaderSchema {
  readonly properties: Readonly<Record<string, object>>
  readonly required?: readonly string[]
}

/** Schemas spell header names as the documents do; they arrive in lower case. */
function lowerCaseNames(schema: HeaderSchema): object {
  const properties = Object.entries(schema.properties).map(([name, value]) => [name.toLowerCase(), value])
  const required = schema.required?.map((name) => name.toLowerCase()) ?? []
  return { type: 'object', properties: Object.fromEntries(properties), required }
}

/** The formats of the model: one rule, whether a schema or the directory checks it. */
const FORMATS = {
  uuid: isUuid,
  email: isEmail,
  /** What every store can hold: no U+0000, no lone surrogate. */
  text: isStorable,
  int32: true,
  int64: true,
  'date-time': true,
  uri: true,
} as const

/** More errors than this help nobody. */
const MAX_ISSUES = 100

const PARTS = ['params', 'querystring', 'headers', 'body'] as const

/**
 * Everything that is wrong with the shape of a request, in all its parts. Fastify itself stops at the first part.
 * @param names the documented spelling of names that arrive in another case, by their lower-case form
 * @param parts where to look
 */
export function collectIssues(
  request: FastifyRequest,
  names: ReadonlyMap<string, string>,
  parts: readonly (typeof PARTS)[number][] = PARTS,
): Issue[] {
  const issues: Issue[] = []
  for (const part of parts) {
    const validate = request.getValidationFunction(part) as ValidateFunction | undefined
    const value = part === 'querystring' ? request.query : request[part]
    if (!validate || validate(value ?? null)) continue
    for (const error of (validate.errors ?? []).slice(0, MAX_ISSUES - issues.length)) {
      const issue = toIssue(error, part)
      issues.push(part === 'headers' ? { ...issue, path: names.get(issue.path) ?? issue.path } : issue)
    }
  }
  return issues
}

function toIssue(error: ErrorObject, part: string): Issue {
  const path = toPath(error.instancePath)
  switch (error.keyword) {
    case 'required':
      return {
        path: join(path, error.params.missingProperty as string),
        rule: 'required',
        message: 'is required',
      }
    case 'additionalProperties': {
      const extra = error.params.additionalProperty as string
      return { path: join(path, extra), rule: 'unknown', message: 'is not allowed here' }
    }
    default:
      return { path: path || part, rule: error.keyword, message: explain(error) }
  }
}

function explain(error: ErrorObject): string {
  const { keyword, params, data } = error
  switch (keyword) {
    case 'type':
      return `must be ${[params.type].flat().join(' or ')}, not ${typeOf(data)}`
    case 'maxLength':
      return `must have at most ${params.limit} characters; it has ${[...(data as string)].length}`
    case 'minLength':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${params.limit} characters`
    case 'maxItems':
      return `must have at most ${params.limit} items`
    case 'format':
      return FORMAT_RULES[params.format as string] ?? `must be a ${params.format}`
    case 'enum':
      return `must be one of ${(params.allowedValues as string[]).join(', ')}`
    default:
      return error.message ?? 'is not valid'
  }
}

const FORMAT_RULES: Readonly<Record<string, string>> = {
  uuid: 'must be a UUID',
  email: 'must be an e-mail address',
  text: 'must not contain U+0000 or a lone surrogate',
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** JSON Pointer (RFC 6901) to the form in which people write members: `/groups/2/id` to `groups[2].id`. */
function toPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : join(path, part)), '')
}

function join(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`
}
