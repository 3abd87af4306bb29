import type { Permission } from './context.ts'
import type { Organization } from './organizations.ts'

/**
 * The id of a client at the external issuer that signs its tokens. Both are compared exactly, except that an id that is
 * a UUID is stored and compared in lower case.
 */
export interface ExternalId {
  readonly issuer: string
  readonly id: string
}

/** A secret that was replaced, and is still accepted until a time. */
export interface PreviousSecret {
  /** SHA-256 of the secret, base64url. */
  readonly hash: string
  /** ISO 8601. */
  readonly validUntil: string
}

/** A program that may call the APIs, bound to an organization. */
export interface Client {
  readonly pk: number
  readonly id: string
  readonly name: string
  readonly permission: Permission
  readonly organization: Organization
  /** SHA-256 of the secret, base64url; null for a client whose tokens come from an external issuer. */
  readonly secretHash: string | null
  /** Newest first. */
  readonly previousSecrets: readonly PreviousSecret[]
  /** When the secret was made; null for a client whose tokens come from an external issuer. */
  readonly secretAt: string | null
  /** The external issuer of the client's tokens, and its id there; null for a client with a secret. */
  readonly external: ExternalId | null
  readonly createdAt: string
  /** When the client called last, to a few minutes; null if it never did. */
  readonly lastUsedAt: string | null
}
