import { CACHE_TTL_MS } from '../directory.ts'
import { newSealer, type Sealer, UnknownKeyError } from './sealer.ts'

/**
 * How long a process may still seal secrets under a master key that is no longer the first one, in milliseconds. The
 * process reads the keys again after `CACHE_TTL_MS`. If that fails for another `CACHE_TTL_MS`, it stops sealing.
 */
export const LONGEST_SEALING_MS = 2 * CACHE_TTL_MS

/** The master keys cannot be read. They may have been replaced meanwhile, so the sealer refuses to seal. */
export class KeysUnreadableError extends Error {
  constructor(cause: unknown) {
    super('the master key cannot be read again, so nothing is sealed', { cause })
    this.name = 'KeysUnreadableError'
  }
}

/**
 * Makes a sealer that follows a rotation of the master keys without a restart. Its `seal` throws
 * {KeysUnreadableError} when the keys could not be read for `LONGEST_SEALING_MS`.
 * @param keys the master keys, as they have just been read
 * @param readKeys reads the master keys again; throws when they cannot be read
 * @param now returns the time in milliseconds
 */
export function newFollowingSealer(
  keys: readonly Buffer[],
  readKeys: () => readonly Buffer[],
  now: () => number = Date.now,
): Sealer {
  return new FollowingSealer(keys, readKeys, now)
}

class FollowingSealer implements Sealer {
  readonly #readKeys: () => readonly Buffer[]
  readonly #now: () => number
  /**
   * All keys so far, removed ones included: a sealed text may be read before and opened after the removal of its key.
   */
  #keys: readonly Buffer[]
  #sealer: Sealer
  #readAt: number

  constructor(keys: readonly Buffer[], readKeys: () => readonly Buffer[], now: () => number) {
    this.#readKeys = readKeys
    this.#now = now
    this.#keys = keys
    this.#sealer = newSealer(keys)
    this.#readAt = now()
  }

  seal(secret: string, identity: string): string {
    if (this.#isOlderThan(CACHE_TTL_MS)) {
      try {
        this.#follow()
      } catch (error) {
        if (this.#isOlderThan(LONGEST_SEALING_MS)) throw new KeysUnreadableError(error)
      }
    }
    return this.#sealer.seal(secret, identity)
  }

  open(sealed: string, identity: string): string {
    try {
      return this.#sealer.open(sealed, identity)
    } catch (error) {
      if (!(error instanceof UnknownKeyError)) throw error
      try {
        this.#follow()
      } catch {
        // The caller needs to know that the secret does not open, not that the keys cannot be read.
        throw error
      }
      return this.#sealer.open(sealed, identity)
    }
  }

  #follow(): void {
    const at = this.#now()
    const read = this.#readKeys()
    this.#keys = [...read, ...this.#keys.filter((old) => !read.some((key) => key.equals(old)))]
    this.#sealer = newSealer(this.#keys)
    this.#readAt = at
  }

  /** Returns whether the keys were read at least `ms` ago, or the clock was set back since. */
  #isOlderThan(ms: number): boolean {
    const age = this.#now() - this.#readAt
    return age < 0 || age >= ms
  }
}
