import type { Context } from '../../model/context.ts'
import type { Issue } from '../../model/error.ts'
import type { RowResult } from '../../model/imports.ts'
import type { PersonRow } from '../../model/person-rows.ts'
import { isIdTaken } from '../../store/tables/ids.ts'
import { countAdministrators, lastAdministrator } from '../administrators.ts'
import type { Directory } from '../directory.ts'
import { getGroups } from '../groups.ts'
import type { Scope } from '../reach.ts'
import { runRead } from '../unit.ts'
import { findExisting, OUT_OF_REACH } from './existing.ts'
import { foldTarget } from './imports.ts'
import {
  CONFLICTS,
  type ExistingUser,
  findChanges,
  findConflict,
  isDemotion,
  isPromotion,
  toIssues,
  toResult,
} from './merge-row.ts'
import { PlannedPeople } from './planned-people.ts'
import { type ImportTarget, type ResolvedRow, RowResolver } from './resolve-rows.ts'

/**
 * Says what each row of an import would do now, and changes nothing. It remembers the rows of earlier batches, as an
 * import does.
 */
export class ImportPlan {
  readonly #dir: Directory
  readonly #ctx: Context
  readonly #target: ImportTarget
  readonly #people = new PlannedPeople()
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
        { locks: false },
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
    const differing = this.#people.findDifferences(row)
    if (differing?.includes('id')) return conflict(row, CONFLICTS.idDiffers)
    if (differing && differing.length > 0) return conflict(row, CONFLICTS.second)
    if (differing) return toResult(row, 'unchanged', existing && { id: existing.user.id })
    const result = await (existing ? this.#planChange(scope, row, existing) : this.#planCreate(scope, row))
    if (result.status === 'conflict') return result
    this.#people.add(row, existing)
    if (isPromotion(row, existing)) await this.#add(scope, row, 1)
    return result
  }

  async #planCreate(scope: Scope, row: ResolvedRow): Promise<RowResult> {
    const { id } = row.row
    if (id !== undefined && (!this.#people.addId(id) || (await isIdTaken(scope.tx, id))))
      return conflict(row, CONFLICTS.idTaken)
    return toResult(row, 'created')
  }

  async #planChange(scope: Scope, row: ResolvedRow, existing: ExistingUser): Promise<RowResult> {
    const { user } = existing
    const changes = findChanges(row, existing)
    const found = findConflict(row, existing, { hasChanges: changes !== undefined, isSecond: false })
    if (found) return conflict(row, found)
    const isDeleted = user.deletedAt !== null
    if (isDemotion(row, existing)) {
      if ((await this.#count(scope, row)) <= 1)
        return toResult(row, 'conflict', { issues: toIssues(lastAdministrator()) })
      await this.#add(scope, row, -1)
    }
    return toResult(row, isDeleted ? 'restored' : changes ? 'changed' : 'unchanged', { id: user.id })
  }

  /** Adds to the number of active Administrators that the organization of a row would have. */
  async #add(scope: Scope, row: ResolvedRow, change: 1 | -1): Promise<void> {
    this.#administrators.set(row.place.organization.pk, (await this.#count(scope, row)) + change)
  }

  async #count({ tx }: Scope, { place }: ResolvedRow): Promise<number> {
    const { organization } = place
    return this.#administrators.get(organization.pk) ?? countAdministrators(tx, organization)
  }
}

function conflict(row: ResolvedRow, issue: Issue): RowResult {
  return toResult(row, 'conflict', { issues: [issue] })
}
