import { createCipheriv, createDecipheriv, createSecretKey, hash, randomBytes } from 'node:crypto'
import type { Account } from '../../model/accounts.ts'

/** Encrypts secrets for the store, each bound to the row that it belongs to. */
export interface Sealer {
  /**
   * Encrypts (seals) a secret with the first master key.
   * @param identity names the row and its owner, as `credentialIdentity` does; `open` must get it again
   */
  seal(secret: string, identity: string): string
  /**
   * Decrypts what `seal` returned.
   * @throws {SealError} when the text was sealed under another master key or identity, or was changed
   */
  open(sealed: string, identity: string): string
}

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

/** The account that a credential belongs to. */
export type KeyOwner = Pick<Account, 'pk' | 'canonicalUserId' | 'userId'>

/**
 * Returns the identity that the secret of a credential is bound to. It names the account too, so that a credential that
 * was moved to another account does not open there.
 */
export function credentialIdentity(accessKey: string, account: KeyOwner): string {
  return `credential:${accessKey}:${account.canonicalUserId}:${account.userId}`
}
