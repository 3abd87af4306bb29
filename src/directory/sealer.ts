import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'

/** Seals secrets for storage, bound to what they belong to. */
export interface Sealer {
  /** @param identity of the row, for example `credential:AKIA…`; the same is needed to open */
  seal(secret: string, identity: string): string
  /** @throws {SealError} when the text was sealed under another key or identity, or was changed */
  open(sealed: string, identity: string): string
}

/** A sealed secret does not open: another master key, another identity, or a changed text. */
export class SealError extends Error {
  constructor(identity: string, why: string, cause?: unknown) {
    super(`the secret of ${identity} cannot be opened: ${why}`, cause === undefined ? undefined : { cause })
    this.name = 'SealError'
  }
}

const CIPHER = 'aes-256-gcm'
const TAG_BYTES = 16

/**
 * A sealer over one master key: AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D) and the identity as
 * associated data, so that a sealed secret moved to another row does not open.
 * @param masterKey 32 bytes
 */
export function newSealer(masterKey: Buffer): Sealer {
  if (masterKey.length !== 32) throw new Error('the master key must have 32 bytes')
  // Names the key in the sealed text, so that a later key can be told from this one.
  const keyId = hash('sha256', masterKey, 'base64url').slice(0, 8)
  return {
    seal(secret, identity) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv(CIPHER, masterKey, nonce).setAAD(Buffer.from(identity))
      const sealed = Buffer.concat([
        nonce,
        cipher.update(secret, 'utf8'),
        cipher.final(),
        cipher.getAuthTag(),
      ])
      return `1.${keyId}.${sealed.toString('base64url')}`
    },
    open(sealed, identity) {
      const [version, key, body] = sealed.split('.')
      if (version !== '1' || body === undefined) throw new SealError(identity, 'its form is unknown')
      if (key !== keyId) throw new SealError(identity, 'it was sealed under another master key')
      try {
        const bytes = Buffer.from(body, 'base64url')
        const decipher = createDecipheriv(CIPHER, masterKey, bytes.subarray(0, 12), {
          authTagLength: TAG_BYTES,
        })
        decipher.setAAD(Buffer.from(identity)).setAuthTag(bytes.subarray(-TAG_BYTES))
        return decipher.update(bytes.subarray(12, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      } catch (error) {
        throw new SealError(identity, 'it was changed, or belongs to something else', error)
      }
    },
  }
}

/** What a credential's secret is bound to. */
export function credentialIdentity(accessKey: string): string {
  return `credential:${accessKey}`
}
