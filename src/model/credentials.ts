import type { Account } from './accounts.ts'
import { BASE62, randomWord } from './ids.ts'

/** One S3 access key of one account. */
export interface Credential {
  readonly accessKey: string
  readonly secretKey: string
  readonly active: boolean
  readonly createdAt: string
}

/** A credential with its account. */
export interface OwnedCredential extends Credential {
  readonly account: Account
}

/** The most credentials that one account may have. */
export const MAX_CREDENTIALS = 1_000

/** The number of characters of an access key that Usher has made. */
export const ACCESS_KEY_LENGTH = 20

const BASE36_UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** Generates an S3 access key: 20 characters of `A-Z0-9`, the form that S3 clients expect. */
export function newAccessKey(): string {
  return randomWord(ACCESS_KEY_LENGTH, BASE36_UPPER)
}

/** Generates an S3 secret key: 40 characters of `A-Za-z0-9` (238 bits). */
export function newSecretKey(): string {
  return randomWord(40, BASE62)
}
