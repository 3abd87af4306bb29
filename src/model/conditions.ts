/**
 * Compares one field. `F` has the fields of one kind of thing with the types of their values. Texts are compared as
 * they are: the caller folds them.
 */
export type Test<F extends object> = {
  [Name in keyof F & string]: { readonly field: Name } & (
    | { readonly is: F[Name] }
    | { readonly in: readonly F[Name][] }
    /** The text of the field contains this one. */
    | { readonly contains: F[Name] & string }
    /** The field is this value or a greater one. */
    | { readonly from: F[Name] }
  )
}[keyof F & string]

/**
 * What things must meet: a tree whose leaves compare one field. Dialects and searches build trees, and the store
 * compiles them to SQL. An empty `all` holds for everything, an empty `any` for nothing.
 */
export type Condition<F extends object> =
  | Test<F>
  | { readonly all: readonly Condition<F>[] }
  | { readonly any: readonly Condition<F>[] }

/** Holds for everything. */
export const EVERYTHING = { all: [] } as const

/** Returns the condition that each member which has a value equals the field of its name. */
export function whereEqual<F extends object>(
  values: { readonly [Name in keyof F]?: F[Name] | undefined },
): {
  readonly all: readonly Test<F>[]
} {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return { all: given.map(([field, is]) => ({ field, is }) as Test<F>) }
}

/** Returns the conditions that all must hold: the members of an `all`, and those of an `all` inside it. */
export function listConjuncts<F extends object>(condition: Condition<F>): Condition<F>[] {
  return 'all' in condition ? condition.all.flatMap(listConjuncts) : [condition]
}

/**
 * Returns the value of each field, if the condition only asks for equal values; otherwise undefined. A field that is
 * compared twice makes it undefined too.
 */
export function toEqualities<F extends object>(condition: Condition<F>): Partial<F> | undefined {
  const values: Record<string, unknown> = {}
  for (const one of listConjuncts(condition)) {
    if (!('is' in one) || one.field in values) return undefined
    values[one.field] = one.is
  }
  return values as Partial<F>
}

/** Returns whether one of the conditions that all must hold is an equality of the field. */
export function hasEquality<F extends object>(condition: Condition<F>, field: keyof F): boolean {
  return listConjuncts(condition).some((one) => 'is' in one && one.field === field)
}
