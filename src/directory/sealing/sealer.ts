import { createCipheriv, createDecipheriv, createSecretKey, hash, randomBytes } from 'node:crypto'
import type { Account } from '../../model/accounts.ts'
import { CACHE_TTL_MS, type Sealer } from '../directory.ts'

/** A sealed secret cannot be decrypted: it has another master key or identity, or its text was changed. */
export class SealError extends Error {
  constructor(identity: string, why: string, cause?: unknown) {
    super(`the secret of ${identity} cannot be opened: ${why}`, cause === undefined ? undefined : { cause })
    this.name = 'SealError'
  }
}

/** A secret was sealed under a master key that the sealer does not have. */
export class UnknownKeyError extends SealError {
  constructor(identity: string) {
    super(identity, 'it was sealed under another master key')
    this.name = 'UnknownKeyError'
  }
}

/** The master keys cannot be read. They may have been replaced meanwhile, so the sealer refuses to seal. */
export class KeysUnreadableError extends Error {
  constructor(cause: unknown) {
    super('the master key cannot be read again, so nothing is sealed', { cause })
    this.name = 'KeysUnreadableError'
  }
}

/**
 * How long a process may still seal secrets under a master key that is no longer the first one, in milliseconds. The
 * process reads the keys again after `CACHE_TTL_MS`. If that fails for another `CACHE_TTL_MS`, it stops sealing.
 */
export const LONGEST_SEALING_MS = 2 * CACHE_TTL_MS

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

  /** Returns whether the keys were read at least `ms` ago, or the clock was set back since. */
  #isOlderThan(ms: number): boolean {
    const age = this.#now() - this.#readAt
    return age < 0 || age >= ms
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
}

/** The account that a credential belongs to. */
export type KeyOwner = Pick<Account, 'pk' | 'canonicalUserId' | 'userId'>

/**
 * Returns the identity that the secret of a credential is bound to. It names the account too, so that a credential that
 * was moved to another account does not open there.
 */
export function credentialIdentity(accessKey: string, account: KeyOwner): string {
  return `credential:${accessKey}:${account.canonicalUserId}:${account.userId}`
}

const CIPHER = 'aes-256-gcm'
const TAG_BYTES = 16
/** The version of sealed texts. Version 1 is bound to the name of its row alone; see `bindSecrets`. */
const VERSION = '2'
/** The text at the beginning of every sealed text of version 1. */
export const UNBOUND_MARK = '1.'

/**
 * Makes a sealer. It uses AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D). The identity is the associated
 * data, so that a sealed secret that was moved to another row does not open.
 * @param keys at least one master key of 32 bytes; secrets are sealed with the first one, and opened with any of them
 */
export function newSealer(keys: readonly Buffer[]): Sealer {
  const [first] = keys
  if (!first || keys.some((key) => key.length !== 32)) throw new Error('a master key must have 32 bytes')
  const mark = sealMark(first)
  // Node encrypts three times as fast with a key object as with bytes.
  const byMark = new Map(keys.map((key) => [sealMark(key), createSecretKey(key)]))
  const sealing = createSecretKey(first)
  return {
    seal(secret, identity) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv(CIPHER, sealing, nonce).setAAD(Buffer.from(`${VERSION}.${identity}`))
      const parts = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return `${mark}${Buffer.concat(parts).toString('base64url')}`
    },
    open(sealed, identity) {
      const [version, keyId, body] = sealed.split('.')
      if ((version !== '1' && version !== VERSION) || body === undefined)
        throw new SealError(identity, 'its form is unknown')
      const key = byMark.get(`${VERSION}.${keyId}.`)
      if (!key) throw new UnknownKeyError(identity)
      try {
        const bytes = Buffer.from(body, 'base64url')
        const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, 12), { authTagLength: TAG_BYTES })
        // With the version in it, a text of one version never opens as a text of the other.
        const bound = version === VERSION ? `${version}.${identity}` : identity
        decipher.setAAD(Buffer.from(bound)).setAuthTag(bytes.subarray(-TAG_BYTES))
        return decipher.update(bytes.subarray(12, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      } catch (error) {
        throw new SealError(identity, 'it was changed, or was copied from another row', error)
      }
    },
  }
}

/** Returns the id of a master key: a part of its hash, for messages and sealed texts. */
export function masterKeyId(key: Buffer): string {
  return hash('sha256', key, 'base64url').slice(0, 8)
}

/** Returns the text at the beginning of every secret that is sealed under a master key. */
export function sealMark(key: Buffer): string {
  return `${VERSION}.${masterKeyId(key)}.`
}
