import type { Account } from './accounts.ts'

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
