import type { Permission } from './context.ts'
import type { Organization } from './organizations.ts'

/** An API access: a program's id and secret, bound to an organization. */
export interface Client {
  readonly pk: number
  readonly id: string
  readonly name: string
  readonly permission: Permission
  readonly organization: Organization
  /** SHA-256 of the secret, base64url; null for a client that only an external issuer vouches for. */
  readonly secretHash: string | null
  readonly createdAt: string
}
