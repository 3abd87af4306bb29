import type { Type as TypeBox } from 'typebox'

type Options = Readonly<Record<string, unknown>>
type Schema = Record<string, unknown>

/** Marks the schema of a member that may be absent. Like typebox's own mark, it is no part of the JSON. */
const OPTIONAL = '~optional'

const ofType =
  (type: string) =>
  (options: Options = {}): Schema => ({ type, ...options })

function toObject(properties: Readonly<Record<string, Schema>>, options: Options = {}): Schema {
  const required = Object.keys(properties).filter((name) => !Object.hasOwn(properties[name] ?? {}, OPTIONAL))
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
}

/**
 * Builds JSON Schemas that have static types: the constructors of typebox that Usher needs, with typebox's types.
 * Typebox itself loads 373 modules, which took a sixth of the processor time of a start.
 */
export const Type = {
  String: ofType('string'),
  Integer: ofType('integer'),
  Boolean: ofType('boolean'),
  Null: ofType('null'),
  Array: (items: Schema, options: Options = {}) => ({ type: 'array', items, ...options }),
  Object: toObject,
  Record: (_: Schema, value: Schema, options: Options = {}) => ({
    type: 'object',
    patternProperties: { '^.*$': value },
    ...options,
  }),
  Union: (anyOf: readonly Schema[], options: Options = {}) => ({ anyOf, ...options }),
  Enum: (values: readonly unknown[], options: Options = {}) => ({ enum: values, ...options }),
  Unsafe: (schema: Schema) => ({ ...schema }),
  Optional: (schema: Schema) => Object.defineProperty({ ...schema }, OPTIONAL, { value: true }),
} as unknown as Pick<
  typeof TypeBox,
  | 'String'
  | 'Integer'
  | 'Boolean'
  | 'Null'
  | 'Array'
  | 'Object'
  | 'Record'
  | 'Union'
  | 'Enum'
  | 'Unsafe'
  | 'Optional'
>
