import { PlatformError } from '../platform.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** @throws {PlatformError} as do the others here: what RGW answers is outside of our hands, and is not believed unseen */
export function toObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected(what)
  return value as JsonObject
}

export function toArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(what)
  return value
}

export function toText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw unexpected(what)
  return value
}

export function toNumber(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unexpected(what)
  return value
}

function unexpected(what: string): PlatformError {
  return new PlatformError(`the Ceph RGW answered something else where ${what} should be`)
}
