import { badResponse, type PlatformError } from '../platform.ts'

/** A JSON object with unknown members. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Returns a value as an object.
 * @param what the expected value, for the message: `a user`
 * @throws {PlatformError} if the value is not an object
 */
export function toObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected(what)
  return value as JsonObject
}

/**
 * Returns a value as an array.
 * @param what the expected value, for the message
 * @throws {PlatformError} if the value is not an array
 */
export function toArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(what)
  return value
}

/**
 * Returns a value as a string.
 * @param what the expected value, for the message
 * @throws {PlatformError} if the value is not a string
 */
export function toText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw unexpected(what)
  return value
}

/**
 * Returns a value as a number.
 * @param what the expected value, for the message
 * @throws {PlatformError} if the value is not a finite number
 */
export function toNumber(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unexpected(what)
  return value
}

function unexpected(what: string): PlatformError {
  return badResponse(`the Ceph RGW returned something else where ${what} should be`)
}
