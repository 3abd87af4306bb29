import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import { isEmail } from '../model/email.ts'
import type { Issue } from '../model/error.ts'
import { isUuid } from '../model/ids.ts'
import { isStorable } from '../model/text.ts'

/**
 * Compiles the schemas of one dialect. All errors of a part are found, not the first; nothing is coerced, removed
 * or filled in, but for numbers in the query, which arrive as text.
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
    const prepared = httpPart === 'headers' ? lowerCaseNames(schema as HeaderSchema) : schema
    const prepare = httpPart === 'querystring' ? numberReader(schema as QuerySchema) : undefined
    return compiledAtFirstUse(ajv, prepared, prepare)
  }
}

/** Compiling all schemas at once would take a quarter of the time to start. */
function compiledAtFirstUse(
  ajv: Ajv,
  schema: object,
  prepare: ((value: unknown) => void) | undefined,
): ValidateFunction {
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

interface QuerySchema {
  readonly properties: Readonly<Record<string, { readonly type?: unknown }>>
}

/** Reads plain integers before they are validated; Ajv's own coercion also takes `0x10`, `1e400` and blanks. */
function numberReader(schema: QuerySchema): (query: unknown) => void {
  const names = Object.keys(schema.properties).filter((name) => schema.properties[name]?.type === 'integer')
  return (value) => {
    const query = value as Record<string, unknown>
    for (const name of names) {
      const text = query[name]
      if (typeof text === 'string' && /^-?\d{1,15}$/.test(text)) query[name] = Number(text)
    }
  }
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
    for (const error of validate.errors ?? []) {
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
      return `must have at most ${params.limit} items; it has ${(data as unknown[]).length}`
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
