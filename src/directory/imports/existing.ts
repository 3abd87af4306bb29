import type { User } from '../../model/users.ts'
import { selectMemberships } from '../../store/tables/groups.ts'
import { selectUsersByEmails } from '../../store/tables/many-users.ts'
import { selectMembershipsOf } from '../../store/tables/memberships.ts'
import { findDeletedUser, type Scope } from '../reach.ts'
import type { ExistingUser } from './merge-row.ts'
import type { ResolvedRow } from './resolve-rows.ts'

/**
 * A user with the e-mail of a row who belongs to another reseller: their e-mail is taken, and nothing more is known.
 */
export const OUT_OF_REACH = 'out of reach'

/**
 * Finds the users with the e-mails of rows: the live ones, else the deleted ones. A deleted user in the context of
 * another reseller counts as none, and does not keep the e-mail.
 * @param options.locks whether the users are locked until the unit ends, so that it does not run again because another
 *   unit has changed one
 * @returns no entry for a row whose e-mail is free
 */
export async function findExisting(
  scope: Scope,
  rows: readonly ResolvedRow[],
  { locks }: { readonly locks: boolean },
): Promise<Map<ResolvedRow, ExistingUser | typeof OUT_OF_REACH>> {
  const { tx } = scope
  const users = new Map<ResolvedRow, User>()
  for (const of of Map.groupBy(rows, ({ place }) => place.organization.pk).values()) {
    const organization = of[0]?.place.organization.pk ?? 0
    for (const deleted of [false, true]) {
      const open = of.filter((row) => !users.has(row))
      const keys = [...new Set(open.map(({ emailKey }) => emailKey))]
      const found = await selectUsersByEmails(tx, organization, { keys, deleted, locks })
      for (const row of open) {
        const user = found.get(row.emailKey)
        if (user) users.set(row, user)
      }
    }
  }
  const groups = await selectMembershipsOf(
    tx,
    [...users.values()].map(({ pk }) => pk),
  )
  const found = new Map<ResolvedRow, ExistingUser | typeof OUT_OF_REACH>()
  for (const [row, user] of users) {
    if (isInContext(scope, user)) found.set(row, { user, groups: groups.get(user.pk) ?? [] })
    else if (user.deletedAt === null) found.set(row, OUT_OF_REACH)
    else await addDeleted(scope, row, found)
  }
  return found
}

/**
 * Returns whether a user of a reachable organization is in reach too: a reseller does not reach those of another one.
 */
function isInContext({ ctx }: Scope, { organizationPk, resellerPk }: User): boolean {
  const { kind, pk } = ctx.organization
  return kind !== 'reseller' || organizationPk === pk || resellerPk === null || resellerPk === pk
}

/** Adds the user in reach who was deleted last; one out of reach was deleted after them. */
async function addDeleted(
  scope: Scope,
  row: ResolvedRow,
  found: Map<ResolvedRow, ExistingUser | typeof OUT_OF_REACH>,
): Promise<void> {
  const { organization } = row.place
  const user = await findDeletedUser(scope, { organization, email: row.row.email })
  if (user) found.set(row, { user, groups: await selectMemberships(scope.tx, user.pk) })
}
