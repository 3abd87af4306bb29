import { hash } from 'node:crypto'
import type { TObject, TSchema } from 'typebox'
import { foldEmail, isEmail } from '../model/email.ts'
import { foldId, foldOptionalId } from '../model/ids.ts'

/** The declaration of a route, as far as a fingerprint needs it. */
interface Declared {
  readonly method: string
  readonly url: string
  readonly schemas: { readonly params?: TObject; readonly querystring?: TObject; readonly body?: TSchema }
}

/** The parts of a request, already checked against their schemas. */
interface Parts {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

/**
 * Returns a hash of a request: of the organization that the caller acts for, the method, the path, the query and the
 * body. It is the same for each spelling of the request: ids and e-mail addresses are folded, members that the API
 * ignores do not count, and the order of members does not matter.
 */
export function toFingerprint(
  { method, url, schemas }: Declared,
  organization: string,
  parts: Parts,
): string {
  const { params, querystring, body } = schemas
  const compared = [
    ...[organization, method, url],
    ...[fold(parts.params, params), fold(parts.query, querystring), fold(parts.body, body)],
  ]
  return hash('sha256', JSON.stringify(compared), 'base64url')
}

/** The part of a schema that says how its values are spelled. */
interface Spelling {
  readonly properties?: Readonly<Record<string, Spelling>>
  readonly items?: Spelling
  readonly required?: readonly string[]
  readonly format?: string
  /** Whether the API ignores the value. */
  readonly readOnly?: boolean
  /** The same, of a value that callers may send. */
  readonly 'x-usher-ignored'?: boolean
}

function fold(value: unknown, schema: Spelling = {}): unknown {
  if (typeof value === 'string') return foldText(value, schema)
  if (Array.isArray(value)) return value.map((item) => fold(item, schema.items))
  const known = Object.entries(schema.properties ?? {})
  if (typeof value !== 'object' || value === null || known.length === 0) return value
  const members = value as Readonly<Record<string, unknown>>
  return known.flatMap(([name, property]) => {
    const member = Object.hasOwn(members, name) ? members[name] : undefined
    const isRequired = schema.required?.includes(name) === true
    const isIgnored = property.readOnly === true || property['x-usher-ignored'] === true
    const isAbsent = member === undefined || isIgnored || (!isRequired && isNil(member, property))
    return isAbsent ? [] : [[name, fold(member, property)]]
  })
}

/** A path may name an object by its id or by its e-mail address. */
function foldText(text: string, { format }: Spelling): string {
  if (format === 'text') return text
  return isEmail(text) ? foldEmail(text) : foldId(text)
}

/** Returns whether a value is the nil UUID, which counts as an id that was left out. */
function isNil(value: unknown, { format }: Spelling): boolean {
  return format === 'uuid' && typeof value === 'string' && foldOptionalId(value) === undefined
}
