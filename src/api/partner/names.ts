import { renamePath } from '../../model/error.ts'
import type { OrganizationKind } from '../../model/organizations.ts'

/** The partner portal's name of each kind of organization, in a user's `role.name`. */
export const ROLE_NAMES: Readonly<Record<OrganizationKind, string>> = {
  provider: 'csp',
  reseller: 'reseller',
  customer: 'customer',
}

/** Translates a `role.name`. A name that is none stays as it is, and is refused as one that the user does not have. */
export function fromRoleName(name: string): string {
  const [kind] = Object.entries(ROLE_NAMES).find(([, role]) => role === name) ?? []
  return kind ?? `role ${name}`
}

/** The partner portal's names of members that have another name in the model. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  groupIds: 'groups',
  'groupIds[]': 'groups[].id',
  kind: 'role.name',
  from: 'StartDate',
  replayFrom: 'from',
  idempotencyKey: 'Idempotency-Key',
  previousUntil: 'oldSecretValidUntil',
}

/** The partner portal's names of changed members that have another name in the audit log, by operation. */
const CHANGED_MEMBERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  UpdateReseller: { zip: 'zipCode' },
  UpdateUserAccount: { enabled: 'active' },
}

/** Translates the name of a member that an operation changed. */
export function toChangedMember(operation: string, name: string): string {
  return CHANGED_MEMBERS[operation]?.[name] ?? name
}

/**
 * Translates the path of an issue, for example `groupIds[2]` to `groups[2].id`. Paths in wire names stay as they are.
 */
export function toWireName(path: string): string {
  return renamePath(path, WIRE_NAMES)
}
