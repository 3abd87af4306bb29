import { DirectoryError } from './error.ts'

/** An object that counts its changes. */
export interface Versioned {
  readonly id: string
  /** 1 for a new object, and one more with each change. */
  readonly version: number
}

/** The states of an object that a change is for, as `toState` returns them; undefined if any state will do. */
export type ExpectedStates = readonly string[] | undefined

/**
 * Returns a text that names the state of an object. It has the id too, because an object that is addressed by its
 * e-mail may be another one with the same version.
 */
export function toState({ id, version }: Versioned): string {
  return `${id}.${version}`
}

/**
 * Throws unless an object is in one of the states that the change is for.
 * @throws {DirectoryError} `precondition_failed`
 */
export function assertState(object: Versioned, expected: ExpectedStates): void {
  assertStateText(toState(object), expected)
}

/**
 * As `assertState`, for an object that does not count its changes.
 * @throws {DirectoryError} `precondition_failed`
 */
export function assertStateText(state: string, expected: ExpectedStates): void {
  if (expected === undefined || expected.includes(state)) return
  const message = 'The object has changed. Read it again, and send its new ETag.'
  throw new DirectoryError('precondition_failed', message)
}
