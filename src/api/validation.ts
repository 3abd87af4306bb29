import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import { EMAIL_MESSAGE, isEmail } from '../model/email.ts'
import type { Issue } from '../model/error.ts'
import { isUuid, UUID_MESSAGE } from '../model/ids.ts'
import { isStorable, STORABLE_MESSAGE } from '../model/text.ts'
import { isTime, TIME_MESSAGE } from '../model/times.ts'

/**
 * Returns a compiler for the schemas of one dialect. A check finds all errors of a part, not only the first. It
 * converts numbers and booleans in the query, which arrive as text, and changes no other value.
 */
export function newValidatorCompiler(): FastifySchemaCompiler<object> {
  const ajv = newAjv()
  return ({ schema, httpPart }) => {
    if (httpPart === 'headers') return compiledAtFirstUse(ajv, lowerCaseNames(schema as HeaderSchema))
    const { properties = {} } = schema as Partial<ObjectSchema>
    return compiledAtFirstUse(
      ajv,
      schema,
      httpPart === 'body' ? trimmer(properties) : plainReader(properties),
    )
  }
}

/**
 * Makes a function that checks values against one schema.
 * @returns a function that takes a value and a name for it, and returns the issues of the value
 */
export function newShapeCheck(schema: object): (value: unknown, name: string) => Issue[] {
  const validate = newAjv().compile(schema)
  return (value, name) =>
    validate(value) ? [] : (validate.errors ?? []).map((error) => toIssue(error, name))
}

function newAjv(): Ajv {
  return new Ajv({
    allErrors: true,
    verbose: true,
    allowUnionTypes: true,
    // See fingerprint.ts.
    keywords: ['x-usher-ignored'],
    strictTuples: false,
    formats: FORMATS,
  })
}

/** Compiles a schema when it is first used. Compiling all of them would take a quarter of the time to start. */
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
 * Converts plain integers, and `true` and `false`, before the check; Python writes the two with a capital letter. Ajv's
 * own conversion would also accept `0x10`, `1e400` and blanks. Integers that are too large for a number become the
 * largest safe integer.
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
      const text = members[name]
      if (typeof text === 'string' && /^([Tt]rue|[Ff]alse)$/.test(text))
        members[name] = text.toLowerCase() === 'true'
    }
  }
}

/**
 * Shortens lists that are too long, and closed objects with too many members, but only so far that they are still
 * refused. Finding all errors in a megabyte of them would take seconds and gigabytes.
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

/** Returns the schema with header names in lower case, as they arrive; schemas have the documented spelling. */
function lowerCaseNames(schema: HeaderSchema): object {
  const properties = Object.entries(schema.properties).map(([name, value]) => [name.toLowerCase(), value])
  const required = schema.required?.map((name) => name.toLowerCase()) ?? []
  return { type: 'object', properties: Object.fromEntries(properties), required }
}

/** The formats of schemas. They are the model's rules, so that schemas and the directory check the same. */
const FORMATS = {
  uuid: isUuid,
  email: isEmail,
  'email-or-empty': (text: string) => text === '' || isEmail(text),
  'email-or-id': (text: string) => isUuid(text) || isEmail(text),
  /** Text that every store can hold: no U+0000, no lone surrogate. */
  text: isStorable,
  int32: true,
  int64: true,
  'date-time': isTime,
  uri: true,
} as const

/** The most issues in one response; more are no help. */
const MAX_ISSUES = 100

const PARTS = ['params', 'querystring', 'headers', 'body'] as const

/**
 * Checks every part of a request against the schemas of its route. Fastify itself stops at the first wrong part.
 * @param parts the parts to check; a body that cannot be read has no shape
 * @returns at most `MAX_ISSUES` issues; header names in their documented spelling
 */
export function collectIssues(
  request: FastifyRequest,
  parts: readonly (typeof PARTS)[number][] = PARTS,
): Issue[] {
  const names = request.routeOptions.config.headerNames
  const issues: Issue[] = []
  // Lines are checked as they are read.
  const { takesLines = false } = request.routeOptions.config
  for (const part of parts.filter((one) => one !== 'body' || !takesLines)) {
    const validate = request.getValidationFunction(part) as ValidateFunction | undefined
    const value = part === 'querystring' ? request.query : request[part]
    if (!validate || validate(value ?? null)) continue
    for (const error of (validate.errors ?? []).slice(0, MAX_ISSUES - issues.length)) {
      const issue = toIssue(error, part)
      issues.push(part === 'headers' ? { ...issue, path: names?.get(issue.path) ?? issue.path } : issue)
    }
  }
  return issues
}

function toIssue(error: ErrorObject, part: string): Issue {
  const { instancePath, propertyName } = error
  const path = toPath(propertyName === undefined ? instancePath : `${instancePath}/${propertyName}`)
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
      return { path: path || part, ...toRule(error), message: explain(error) }
  }
}

/** Returns the rule of a keyword, with what it was given. */
function toRule({ keyword, params, parentSchema }: ErrorObject): Pick<Issue, 'rule' | 'params'> {
  switch (keyword) {
    case 'maxLength':
    case 'maxItems':
    case 'maximum':
      return { rule: keyword, params: { max: params.limit } }
    case 'minLength':
    case 'minItems':
    case 'minimum':
    case 'minProperties':
      return { rule: keyword, params: { min: params.limit } }
    case 'type':
      return { rule: keyword, params: { type: [params.type].flat().join(' or ') } }
    case 'format':
      return { rule: keyword, params: { format: params.format } }
    case 'enum':
      return { rule: keyword, params: { values: listAllowed(params.allowedValues) } }
    case 'pattern':
      return { rule: keyword, params: { title: parentSchema?.title ?? '' } }
    default:
      return { rule: 'other' }
  }
}

/** Null stands for an absent member, and is no value to choose. */
function listAllowed(values: readonly unknown[]): string {
  return values.filter((one) => one !== null).join(', ')
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
    case 'minProperties':
      return `must have at least ${params.limit} ${params.limit === 1 ? 'member' : 'members'}`
    case 'pattern':
      return explainPattern(error)
    case 'minItems':
      return `must have at least ${params.limit} ${params.limit === 1 ? 'item' : 'items'}`
    case 'maxItems':
      return `must have at most ${params.limit} items`
    case 'format':
      return FORMAT_RULES[params.format as string] ?? `must be a ${params.format}`
    case 'enum':
      return `must be one of ${listAllowed(params.allowedValues)}`
    default:
      return error.message ?? 'is not valid'
  }
}

/** Explains a pattern with the title of its schema, if there is one; it says in words what the pattern means. */
function explainPattern({ parentSchema, message }: ErrorObject): string {
  return typeof parentSchema?.title === 'string'
    ? `must be ${parentSchema.title}`
    : (message ?? 'is not valid')
}

const FORMAT_RULES: Readonly<Record<string, string>> = {
  uuid: UUID_MESSAGE,
  email: EMAIL_MESSAGE,
  'email-or-empty': EMAIL_MESSAGE,
  'email-or-id': `${EMAIL_MESSAGE} or the id of a user`,
  text: STORABLE_MESSAGE,
  'date-time': TIME_MESSAGE,
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Translates a JSON Pointer (RFC 6901) into a path: `/groups/2/id` into `groups[2].id`. */
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
