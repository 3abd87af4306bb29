import type { Context } from '../../model/context.ts'
import type { Issue } from '../../model/error.ts'
import type { RowResult } from '../../model/imports.ts'
import type { PersonRow } from '../../model/person-rows.ts'
import type { Group } from '../../model/users.ts'
import { isIdTaken } from '../../store/tables/ids.ts'
import { countActiveMembers } from '../../store/tables/many-users.ts'
import { ADMINISTRATOR, lastAdministrator, losesAdministrator } from '../administrators.ts'
import type { Directory } from '../directory.ts'
import { getGroups } from '../groups.ts'
import type { Scope } from '../reach.ts'
import { runRead } from '../unit.ts'
import { findExisting, OUT_OF_REACH } from './existing.ts'
import { foldTarget } from './imports.ts'
import { CONFLICTS, type ExistingUser, findChanges, findConflict, toIssues, toResult } from './merge-row.ts'
import { type ImportTarget, type ResolvedRow, RowResolver } from './resolve-rows.ts'
import { SeenRows } from './seen-rows.ts'

/**
 * Says what each row of an import would do now, and changes nothing. It remembers the rows of earlier batches, as an
 * import does.
 */
export class ImportPlan {
  readonly #dir: Directory
  readonly #ctx: Context
  readonly #target: ImportTarget
  readonly #people = new SeenRows()
  readonly #ids = new SeenRows()
  /** The number of active Administrators that each organization would have. */
  readonly #administrators = new Map<number, number>()

  constructor(dir: Directory, ctx: Context, target: ImportTarget) {
    this.#dir = dir
    this.#ctx = ctx
    this.#target = foldTarget(target)
  }

  /**
   * Plans the next rows of the file.
   * @returns a result for each row, in order; a user who would be created has no id
   * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `organization_not_found`, `reseller_not_found`,
   *   `reseller_not_own`, `reseller_not_related`, `store_unavailable`
   */
  plan(rows: readonly PersonRow[]): Promise<RowResult[]> {
    return runRead(this.#dir, this.#ctx, 'ImportUsers', async (scope) => {
      const resolver = new RowResolver(scope, this.#target, await getGroups(this.#dir, scope))
      const resolved = []
      for (const row of rows) resolved.push(await resolver.resolve(row))
      const existing = await findExisting(
        scope,
        resolved.filter((one) => 'place' in one),
      )
      const results: RowResult[] = []
      for (const one of resolved)
        results.push(
          'issues' in one
            ? toResult(one, 'invalid', { issues: one.issues })
            : await this.#planOne(scope, one, existing.get(one)),
        )
      return results
    })
  }

  async #planOne(
    scope: Scope,
    row: ResolvedRow,
    existing: ExistingUser | typeof OUT_OF_REACH | undefined,
  ): Promise<RowResult> {
    if (existing === OUT_OF_REACH) return conflict(row, CONFLICTS.emailTaken)
    const { place, emailKey, groups = [] } = row
    const { email, firstName, lastName, id } = row.row
    const content = JSON.stringify([email, firstName, lastName, groups.map(({ pk }) => pk).sort(), id])
    const seen = this.#people.note(`${place.organization.pk} ${emailKey}`, content)
    if (seen === 'same') return toResult(row, 'unchanged', existing && { id: existing.user.id })
    if (seen === 'other') return conflict(row, CONFLICTS.second)
    return existing ? this.#planChange(scope, row, existing) : this.#planCreate(scope, row)
  }

  async #planCreate(scope: Scope, row: ResolvedRow): Promise<RowResult> {
    const { id } = row.row
    if (id !== undefined && (this.#ids.note(id, '') !== 'new' || (await isIdTaken(scope.tx, id))))
      return conflict(row, CONFLICTS.idTaken)
    await this.#gain(scope, row, [])
    return toResult(row, 'created')
  }

  async #planChange(scope: Scope, row: ResolvedRow, existing: ExistingUser): Promise<RowResult> {
    const { user } = existing
    const changes = findChanges(row, existing)
    const found = findConflict(row, existing, { hasChanges: changes !== undefined, isSecond: false })
    if (found) return conflict(row, found)
    const isDeleted = user.deletedAt !== null
    if (user.active && !isDeleted && row.groups && losesAdministrator(existing.groups, row.groups)) {
      const left = await this.#count(scope, row)
      if (left <= 1) return toResult(row, 'conflict', { issues: toIssues(lastAdministrator()) })
      this.#administrators.set(row.place.organization.pk, left - 1)
    }
    if (user.active || isDeleted) await this.#gain(scope, row, isDeleted ? [] : existing.groups)
    return toResult(row, isDeleted ? 'restored' : changes ? 'changed' : 'unchanged', { id: user.id })
  }

  /** Counts a user who becomes an Administrator. */
  async #gain(scope: Scope, row: ResolvedRow, before: readonly Group[]): Promise<void> {
    if (row.groups && losesAdministrator(row.groups, before))
      this.#administrators.set(row.place.organization.pk, (await this.#count(scope, row)) + 1)
  }

  async #count({ tx }: Scope, { place }: ResolvedRow): Promise<number> {
    const { pk, providerPk } = place.organization
    const known = this.#administrators.get(pk)
    if (known !== undefined) return known
    const group = { provider: providerPk, name: ADMINISTRATOR }
    return countActiveMembers(tx, group, pk)
  }
}

function conflict(row: ResolvedRow, issue: Issue): RowResult {
  return toResult(row, 'conflict', { issues: [issue] })
}
