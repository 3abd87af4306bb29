import { isDeepStrictEqual } from 'node:util'

// An import would also load Node's WebSocket and fetch.
const { STATUS_CODES } = process.getBuiltinModule('node:http')

type Json = Record<string, unknown>

/** A name of a component: the title of a schema that has one, such as `UserViewModel`. */
const NAME = /^[A-Z][A-Za-z0-9]*$/

/**
 * Moves the schemas that have a name, and the failures that several operations share, to the components of a document.
 * Operations then refer to them, so that generated clients have one type for each.
 * @param document an OpenAPI document without references; it is changed
 */
export function shareParts(document: Json): void {
  const components = (document.components ?? {}) as Record<string, Json>
  const schemas: Json = {}
  for (const path of Object.values((document.paths ?? {}) as Record<string, Record<string, Json>>)) {
    for (const operation of Object.values(path)) {
      for (const response of Object.values((operation.responses ?? {}) as Record<string, Json>))
        dropRepeatedDescription(response)
      for (const part of ['parameters', 'requestBody', 'responses'])
        if (part in operation) operation[part] = shareSchemas(operation[part], schemas)
    }
  }
  const responses = shareFailures((document.paths ?? {}) as Record<string, Record<string, Json>>)
  document.components = { ...components, schemas, ...(Object.keys(responses).length > 0 && { responses }) }
}

/** The generator writes the description of a response into its schema too. */
function dropRepeatedDescription(response: Json): void {
  for (const { schema } of Object.values((response.content ?? {}) as Record<string, { schema?: Json }>))
    if (schema?.title !== undefined && schema.description === response.description) delete schema.description
}

/** Returns a copy of a part in which the schemas that have a name are references. */
function shareSchemas(part: unknown, schemas: Json): unknown {
  if (Array.isArray(part)) return part.map((one) => shareSchemas(one, schemas))
  if (typeof part !== 'object' || part === null) return part
  const copy: Json = {}
  for (const [name, value] of Object.entries(part)) copy[name] = shareSchemas(value, schemas)
  const { title, type } = copy
  if (typeof title !== 'string' || type === undefined || !NAME.test(title)) return copy
  const shared = schemas[title] ?? copy
  // Two schemas with one title would be a mistake; the second one stays where it is.
  if (!isDeepStrictEqual(shared, copy)) return copy
  schemas[title] = shared
  return { $ref: `#/components/schemas/${title}` }
}

/** Replaces the failures that several operations have by references, and returns these failures. */
function shareFailures(paths: Record<string, Record<string, Json>>): Json {
  const shared: Json = {}
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const responses = (operation.responses ?? {}) as Record<string, Json>
    for (const [status, response] of Object.entries(responses)) {
      const name = STATUS_CODES[status]?.replaceAll(' ', '')
      if (Number(status) < 400 || !name) continue
      const known = shared[name] ?? response
      if (!isDeepStrictEqual(known, response)) continue
      shared[name] = known
      responses[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  return shared
}
