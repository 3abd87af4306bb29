/** A part of a list. */
export interface PageRequest {
  /** How many items come before it. */
  readonly offset: number
  readonly limit: number
}

/** The items of a part of a list, with the exact number of all items in the list. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly total: number
}
