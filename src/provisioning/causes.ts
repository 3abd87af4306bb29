import { KeysUnreadableError, UnknownKeyError } from '../directory/sealing/sealer.ts'
import { type Cause, toCause } from '../model/causes.ts'
import { DirectoryError } from '../model/error.ts'
import { PlatformError } from '../platform/platform.ts'
import { StoreError } from '../store/port.ts'

/** Returns why an attempt failed, from the error that it ended with. */
export function causeOf(error: unknown): Cause {
  if (error instanceof PlatformError) return error.toCause()
  if (error instanceof UnknownKeyError || error instanceof KeysUnreadableError) return toCause('master_key')
  if (error instanceof StoreError) return toCause('store')
  if (error instanceof DirectoryError && error.code === 'store_unavailable') return toCause('store')
  return toCause('other')
}

/** The most characters of an error that are kept with an attempt. */
const MAX_ERROR = 2_000

/** Returns what went wrong, in one text that every store accepts. */
export function describeError(error: unknown): string {
  // The message may come from outside, and not every store accepts U+0000.
  const text = (error instanceof Error ? error.message : String(error)).replaceAll('\0', ' ')
  return text.length <= MAX_ERROR ? text : `${text.slice(0, MAX_ERROR).toWellFormed()}…`
}
