import type { Context } from '../../model/context.ts'
import { selectExportPage } from '../../store/tables/many-users.ts'
import { selectMembershipsOf } from '../../store/tables/memberships.ts'
import { isPermitted } from '../access.ts'
import type { Directory } from '../directory.ts'
import { completeLists } from '../list-follower.ts'
import { getReachableOrganization } from '../reach.ts'
import { runRead } from '../unit.ts'

const PAGE = 1_000

/** A user with the members that an import reads. */
export interface ExportedUser {
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  /** The names of the groups. */
  readonly groups: readonly string[]
  readonly id: string
  /** The id of the organization. */
  readonly customerId: string
}

/**
 * Reads the live users of an organization, or all of the provider, ordered by name, some at a time. Each page is a read
 * of its own, so users who change meanwhile may be missing or come twice.
 * @throws {DirectoryError} `not_permitted`, `organization_not_found`, `store_unavailable`
 */
export async function* exportUsers(
  dir: Directory,
  ctx: Context,
  organizationId: string | undefined,
): AsyncGenerator<ExportedUser[]> {
  if (isPermitted(ctx, 'ListUsers')) await completeLists(dir)
  let after: { nameKey: string; id: string } | undefined
  do {
    const page = await runRead(dir, ctx, 'ListUsers', async (scope) => {
      const { providerPk } = ctx.organization
      const organization =
        organizationId === undefined
          ? undefined
          : await getReachableOrganization(scope, { id: organizationId })
      const of = { providerPk, organizationPk: organization?.pk }
      const rows = await selectExportPage(scope.tx, of, { after, limit: PAGE })
      const groups = await selectMembershipsOf(
        scope.tx,
        rows.map(({ pk }) => pk),
      )
      return rows.map((row) => ({ ...row, groups: (groups.get(row.pk) ?? []).map(({ name }) => name) }))
    })
    yield page.map(({ firstName, lastName, email, groups, id, customerId }) => ({
      ...{ firstName, lastName, email, groups, id, customerId },
    }))
    after = page.length < PAGE ? undefined : page.at(-1)
  } while (after)
}
