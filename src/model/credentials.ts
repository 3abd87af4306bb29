import type { Account } from './accounts.ts'

/** One S3 access key of one account. */
export interface Credential {
  readonly accessKey: string
  readonly secretKey: string
  readonly active: boolean
  readonly createdAt: string
}

/** A credential with the account whose it is. */
export interface OwnedCredential extends Credential {
  readonly account: Account
}

/** The most credentials of one account. */
export const MAX_CREDENTIALS = 1_000
