import { BELIEF_MS } from '../directory.ts'
import { newSealer, type Sealer, UnknownKeyError } from './sealer.ts'

/**
 * How long a process may go on sealing under a key that no longer comes first: it reads the keys again after
 * `BELIEF_MS`, and seals no more when they could not be read for as long again.
 */
export const LONGEST_SEALING_MS = 2 * BELIEF_MS

/** The master keys cannot be read again, so nothing can be sealed: by now they may have been rotated. */
export class KeysUnreadableError extends Error {
  constructor(cause: unknown) {
    super('the master key cannot be read again, so nothing is sealed', { cause })
    this.name = 'KeysUnreadableError'
  }
}

/**
 * A sealer that follows a rotation of its keys without a restart. `seal` throws {KeysUnreadableError} when they could
 * not be read for too long.
 *
 * It opens with every key that it has ever had: what was read from the store before a key was taken away may be
 * opened after.
 * @param keys as they have just been read
 * @param readKeys reads them again; throws when they cannot be read
 * @param now in milliseconds
 */
export function newFollowingSealer(
  keys: readonly Buffer[],
  readKeys: () => readonly Buffer[],
  now: () => number = Date.now,
): Sealer {
  let sealer = newSealer(keys)
  let all = keys
  let readAt = now()
  const follow = (): void => {
    const at = now()
    const read = readKeys()
    all = [...read, ...all.filter((old) => !read.some((key) => key.equals(old)))]
    sealer = newSealer(all)
    readAt = at
  }
  return {
    seal(secret, identity) {
      if (isOlder(readAt, BELIEF_MS, now())) {
        try {
          follow()
        } catch (error) {
          if (isOlder(readAt, LONGEST_SEALING_MS, now())) throw new KeysUnreadableError(error)
        }
      }
      return sealer.seal(secret, identity)
    },
    open(sealed, identity) {
      try {
        return sealer.open(sealed, identity)
      } catch (error) {
        if (!(error instanceof UnknownKeyError)) throw error
        try {
          follow()
        } catch {
          // That the secret does not open is what matters to whoever asks.
          throw error
        }
        return sealer.open(sealed, identity)
      }
    },
  }
}

/** A clock that was set back must not make anything last longer. */
function isOlder(then: number, ms: number, now: number): boolean {
  return now < then || now - then >= ms
}
