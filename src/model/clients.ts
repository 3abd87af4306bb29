import type { Permission } from './context.ts'
import type { Organization } from './organizations.ts'

/** A program that may call the APIs, bound to an organization. */
export interface Client {
  readonly pk: number
  readonly id: string
  readonly name: string
  readonly permission: Permission
  readonly organization: Organization
  /** SHA-256 of the secret, base64url; null for a client whose tokens come from an external issuer. */
  readonly secretHash: string | null
  readonly createdAt: string
}
