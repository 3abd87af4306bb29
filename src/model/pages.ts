/** Which part of a list is wanted. */
export interface PageRequest {
  /** How many items are skipped. */
  readonly offset: number
  readonly limit: number
}

/** A part of a list, with the exact number of all items that match. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly total: number
}
