import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type HttpResponse, jsonOf, send } from '../../testing/http.ts'

export interface Media {
  readonly schema?: object
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}

export interface Parameter extends Media {
  readonly name: string
  readonly in: string
  readonly required?: boolean
}

export interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, Media>>
}

export interface Operation {
  readonly operationId: string
  readonly parameters?: readonly Parameter[]
  readonly security?: readonly object[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, Response>>
}

export interface ApiDocument {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

export const DOCUMENTS = ['customer', 'osis', 'oauth', 'system', 'console'] as const

/** Returns the OpenAPI document of a dialect, as the server serves it. */
export async function getDocument(url: string, name: (typeof DOCUMENTS)[number]): Promise<ApiDocument> {
  const response = await send(url, { method: 'GET', path: `/openapi/${name}.json` })
  if (response.status !== 200) throw new Error(`there is no /openapi/${name}.json: ${response.status}`)
  return dereference(jsonOf<ApiDocument>(response))
}

/** Returns a document in which each reference is replaced by what it refers to. */
export function dereference(document: ApiDocument): ApiDocument {
  const resolve = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part
    if (Array.isArray(part)) return part.map(resolve)
    if ('$ref' in part) return resolve(find(document, String(part.$ref)))
    return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, resolve(value)]))
  }
  return resolve(document) as ApiDocument
}

function find(document: ApiDocument, reference: string): unknown {
  let part: unknown = document
  for (const name of reference.split('/').slice(1)) part = (part as Record<string, unknown>)[name]
  if (part === undefined) throw new Error(`the document does not have ${reference}`)
  return part
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const ajv = new Ajv2020({
  allErrors: true,
  strict: false,
  formats: {
    uuid: UUID,
    email: (text: string) => /^[^@\s]+@[^@\s]+$/.test(text),
    text: (text: string) => text.isWellFormed() && !text.includes('\u0000'),
    'date-time': (text: string) => /^\d{4}-\d\d-\d\dT.*Z$/.test(text) && !Number.isNaN(Date.parse(text)),
    uri: (text: string) => URL.canParse(text),
    int32: { type: 'number', validate: (value: number) => value === (value | 0) },
    int64: { type: 'number', validate: Number.isInteger },
  },
})

const compiled = new WeakMap<object, ValidateFunction>()

/** Returns what is wrong with a value by a schema; undefined if nothing is. */
export function faultOf(schema: object, value: unknown): string | undefined {
  const validate = compiled.get(schema) ?? ajv.compile(schema)
  compiled.set(schema, validate)
  return validate(value) ? undefined : ajv.errorsText(validate.errors)
}

/** Returns how a response contradicts the document of its operation; undefined if it does not. */
export function contradictionOf(operation: Operation, response: HttpResponse): string | undefined {
  const said = `${response.status} ${response.headers['content-type'] ?? ''} ${response.text.slice(0, 500)}`
  if (response.status >= 500) return `a fault: ${said}`
  const declared = operation.responses[response.status]
  if (!declared) return `a status that is not documented: ${said}`
  for (const [name, header] of Object.entries(declared.headers ?? {})) {
    const { schema } = header as { schema?: object }
    const fault = schema && faultOf(schema, response.headers[name.toLowerCase()])
    if (fault) return `${name}: ${fault}: ${said}`
  }
  const lines = declared.content?.['application/x-ndjson']?.schema
  if (lines) return contradictionOfLines(lines, response)
  const schema = declared.content?.['application/json']?.schema
  if (!schema) return response.text === '' ? undefined : `a body where none is documented: ${said}`
  try {
    const fault = faultOf(schema, jsonOf(response))
    return fault && `${fault}: ${said}`
  } catch (error) {
    return `${(error as Error).message}: ${said}`
  }
}

function contradictionOfLines(schema: object, { headers, text }: HttpResponse): string | undefined {
  if (!headers['content-type']?.startsWith('application/x-ndjson'))
    return `another media type: ${headers['content-type']}`
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => faultOf(schema, JSON.parse(line))).find((fault) => fault !== undefined)
}
