/** A part of a list. */
export interface PageRequest {
  /** The number of items before the part. */
  readonly offset: number
  readonly limit: number
}

/** The items of a part of a list, with the exact number of all items in the list. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly total: number
}
