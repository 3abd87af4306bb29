import type { AccountPlace } from '../../model/accounts.ts'
import { DirectoryError, type ErrorCode, type Issue } from '../../model/error.ts'
import type { RowResult } from '../../model/imports.ts'
import type { PersonRow } from '../../model/person-rows.ts'
import type { NewPerson } from '../../model/users.ts'
import { insertAuditEntry } from '../../store/audit/entry-rows.ts'
import type { InsertOutcome, NewUserRow } from '../../store/port.ts'
import { isIdTaken } from '../../store/tables/ids.ts'
import {
  type ChangeSetUser,
  insertChangeSetUsers,
  selectUsersInChangeSet,
} from '../../store/tables/imports.ts'
import { lockOrganizationsShared } from '../../store/tables/organizations.ts'
import { findAccountPlace, giveAccount } from '../account-places.ts'
import { countAdministrators, lastAdministrator } from '../administrators.ts'
import type { Directory } from '../directory.ts'
import { getGroups } from '../groups.ts'
import { restore } from '../repeated-creates.ts'
import { type AuditDetails, newUnit, type Unit } from '../unit.ts'
import { changeUser } from '../user-changes.ts'
import { CREATE_OPERATIONS, listFields, toNewUserRow } from '../users.ts'
import { findExisting, OUT_OF_REACH } from './existing.ts'
import {
  CONFLICTS,
  type ExistingUser,
  findChanges,
  findConflict,
  isDemotion,
  isPromotion,
  toContent,
  toIssues,
  toResult,
} from './merge-row.ts'
import { type ImportTarget, type Place, type ResolvedRow, RowResolver } from './resolve-rows.ts'
import type { RowBatch } from './row-batch.ts'

/** The import whose rows are applied. */
export interface RunningImport {
  readonly pk: number
  readonly target: ImportTarget
}

/**
 * Applies rows of an import inside its unit: with their audit entries, and the users in its change set. A row that is
 * invalid or in conflict changes nothing, and does not affect the others.
 * @returns a result for each row, in the order of the file
 * @throws {DirectoryError} when the organization or the reseller of the import is not there any more
 */
export async function applyRows(
  dir: Directory,
  unit: Unit,
  { rows, ...running }: RunningImport & { rows: RowBatch },
): Promise<RowResult[]> {
  const resolver = new RowResolver(unit, running.target, await getGroups(dir, unit))
  const batch = new Batch(dir, unit, { running, resolver })
  await batch.apply(rows.invalid)
  for (const some of rows.slices()) await batch.apply(some)
  await batch.applyInOrder(rows.repeated)
  // Last, so that a deletion of one of them hardly waits. It then finds every user of this step.
  await lockOrganizationsShared(unit.tx, resolver.listOrganizations())
  return batch.results.sort((one, other) => one.line - other.line)
}

/** The rows of one commit. */
class Batch {
  readonly results: RowResult[] = []
  readonly #dir: Directory
  readonly #unit: Unit
  readonly #running: RunningImport
  /** Where everyone of an organization gets an account; null if Cloud Director names who gets one. */
  readonly #accountPlaces = new Map<number, AccountPlace | null>()
  /** Rows that demote an Administrator; `applyInOrder` applies them. */
  readonly #demotions: PersonRow[] = []
  /** The lines of rows that have made an Administrator, by organization. */
  readonly #promotions = new Map<number, number[]>()
  /** Whether rows are applied in the order of the file. */
  #isInOrder = false
  #changeSet: ChangeSetUser[] = []
  readonly #resolver: RowResolver

  constructor(
    dir: Directory,
    unit: Unit,
    { running, resolver }: { running: RunningImport; resolver: RowResolver },
  ) {
    this.#dir = dir
    this.#unit = unit
    this.#running = running
    this.#resolver = resolver
  }

  /** Applies rows. No two of them may have the same e-mail or id. */
  async apply(rows: readonly PersonRow[]): Promise<void> {
    const valid: ResolvedRow[] = []
    for (const row of rows) {
      const one = await this.#resolver.resolve(row)
      if ('issues' in one) this.results.push(toResult(one, 'invalid', { issues: one.issues }))
      else valid.push(one)
    }
    if (valid.length === 0) return
    const refused = await this.#insert(valid)
    // A refused row may be about a user whom another row of these created.
    await this.#saveChangeSet()
    await this.#merge(refused)
    await this.#saveChangeSet()
  }

  /**
   * Applies repeated rows, and those that demote an Administrator, one after the other in the order of the file: what
   * becomes of them depends on the rows before them. Call it after all calls of `apply`.
   */
  async applyInOrder(repeated: readonly PersonRow[]): Promise<void> {
    this.#isInOrder = true
    const rows = [...this.#demotions, ...repeated].sort((one, other) => one.line - other.line)
    for (const row of rows) await this.apply([row])
  }

  async #saveChangeSet(): Promise<void> {
    await insertChangeSetUsers(this.#unit.tx, this.#running.pk, this.#changeSet)
    this.#changeSet = []
  }

  /** Inserts the users who do not exist. Returns the rows that the store refused. */
  async #insert(rows: readonly ResolvedRow[]): Promise<ResolvedRow[]> {
    const made = rows.map((row) => this.#toNewUser(row))
    const outcomes = await this.#unit.tx.insertUsers(made)
    const refused: ResolvedRow[] = []
    for (const [i, row] of rows.entries()) {
      const pk: InsertOutcome = outcomes[i] ?? 'refused'
      if (pk === 'refused') refused.push(row)
      else await this.#noteCreated(row, { pk, id: made[i]?.user.id ?? '' })
    }
    return refused
  }

  #toNewUser({ row, place, groups = [] }: ResolvedRow): NewUserRow {
    const { id, email, firstName = null, lastName = null } = row
    const person: NewPerson = { id, email, firstName, lastName, groups, ...place }
    return toNewUserRow(this.#unit, person, this.#detailsOf(place, person))
  }

  #detailsOf({ organization, reseller }: Place, person: NewPerson): AuditDetails {
    return {
      operation: CREATE_OPERATIONS[organization.kind],
      organization: organization.id,
      outcome: 'created',
      reseller: (organization.kind === 'reseller' ? organization : reseller)?.id,
      changedFields: listFields(person),
    }
  }

  /** Notes a new user, who gets an account if everyone of the organization does. */
  async #noteCreated(row: ResolvedRow, user: { pk: number; id: string }): Promise<void> {
    const { pk, id: organizationId } = row.place.organization
    let place = this.#accountPlaces.get(pk)
    if (place === undefined) {
      place = await findAccountPlace(this.#unit, pk)
      this.#accountPlaces.set(pk, place)
    }
    if (place) await giveAccount(this.#unit, { user, organizationId, place })
    this.#notePromotion(row, undefined)
    this.#note(row, 'created', { ...user, version: 1, before: null })
  }

  /** Notes what a row did to a user. */
  #note(
    row: ResolvedRow,
    outcome: ChangeSetUser['outcome'],
    user: { pk: number; id: string; version: number; before: string | null },
  ): void {
    const { pk: userPk, id, version, before } = user
    this.results.push(toResult(row, outcome, { id }))
    this.#changeSet.push({ userPk, line: row.row.line, outcome, version, before })
  }

  /** Applies rows whose users the store refused to insert: they exist, or were deleted. */
  async #merge(rows: readonly ResolvedRow[]): Promise<void> {
    if (rows.length === 0) return
    const found = await findExisting(this.#unit, rows, { locks: true })
    const pks = [...found.values()].flatMap((one) => (one === OUT_OF_REACH ? [] : [one.user.pk]))
    const earlier = await selectUsersInChangeSet(this.#unit.tx, this.#running.pk, pks)
    for (const row of rows) {
      const existing = found.get(row)
      try {
        if (existing === OUT_OF_REACH) await this.#refuse(row, [CONFLICTS.emailTaken], 'email_taken')
        else if (existing) await this.#mergeOne(row, existing, earlier.has(existing.user.pk))
        else await this.#insertOrExplain(row)
      } catch (error) {
        if (!(error instanceof DirectoryError) || error.code === 'store_unavailable') throw error
        await this.#refuse(row, toIssues(error), error.code)
      }
    }
  }

  /** @param isSecond whether an earlier row was about the user */
  async #mergeOne(row: ResolvedRow, existing: ExistingUser, isSecond: boolean): Promise<void> {
    const { user } = existing
    const isDeleted = user.deletedAt !== null
    const changes = findChanges(row, existing)
    const conflict = findConflict(row, existing, { hasChanges: changes !== undefined || isDeleted, isSecond })
    if (conflict) return this.#refuse(row, [conflict], conflict.path === 'id' ? 'id_taken' : 'email_taken')
    if (isDemotion(row, existing)) {
      if (!this.#isInOrder) {
        this.#demotions.push(row.row)
        return
      }
      await this.#assertOthersRemain(row)
    }
    if (isDeleted) await this.#restore(row, existing)
    else if (changes)
      await changeUser(this.#dir, this.#unitOf('UpdateUser'), { ...existing, ...row.place, changes })
    this.#notePromotion(row, existing)
    if (isDeleted) return
    if (isSecond) {
      this.results.push(toResult(row, 'unchanged', { id: user.id }))
      return
    }
    const version = user.version + (changes ? 1 : 0)
    const before = changes ? JSON.stringify(toContent(existing)) : null
    this.#note(row, changes ? 'changed' : 'unchanged', { ...user, version, before })
  }

  #notePromotion(row: ResolvedRow, existing: ExistingUser | undefined): void {
    if (!isPromotion(row, existing)) return
    const { pk } = row.place.organization
    const lines = this.#promotions.get(pk)
    if (lines) lines.push(row.row.line)
    else this.#promotions.set(pk, [row.row.line])
  }

  /**
   * Refuses to demote an Administrator if only later rows of the file have made others.
   * @throws {DirectoryError} `last_administrator`
   */
  async #assertOthersRemain({ row, place }: ResolvedRow): Promise<void> {
    const { organization } = place
    const later = (this.#promotions.get(organization.pk) ?? []).filter((line) => line > row.line).length
    if (later === 0) return
    const count = await countAdministrators(this.#unit.tx, organization, later + 2)
    if (count - later <= 1) throw lastAdministrator()
  }

  /** Inserts a user whose e-mail only a deleted user out of reach has, or says why the store refuses the row. */
  async #insertOrExplain(row: ResolvedRow): Promise<void> {
    const made = { ...this.#toNewUser(row), besideDeleted: true }
    const [pk = 'refused'] = await this.#unit.tx.insertUsers([made])
    if (pk !== 'refused') return this.#noteCreated(row, { pk, id: made.user.id })
    const { id } = row.row
    if (id === undefined || !(await isIdTaken(this.#unit.tx, id)))
      throw new DirectoryError('organization_not_found', 'The organization or the reseller was deleted.')
    return this.#refuse(row, [CONFLICTS.idTaken], 'id_taken')
  }

  async #restore(resolved: ResolvedRow, existing: ExistingUser): Promise<void> {
    const { user } = existing
    const { row, place, groups = existing.groups } = resolved
    const { email, firstName = user.firstName, lastName = user.lastName } = row
    const unit = this.#unitOf(CREATE_OPERATIONS[place.organization.kind], place.organization.id)
    const person = { id: user.id, ...place, email, firstName, lastName, groups }
    await restore(unit, user, { person, details: this.#detailsOf(place, person) })
    this.#note(resolved, 'restored', { ...user, version: user.version + 1, before: null })
  }

  /** Reports a conflict, with an audit entry as for a refused call. */
  async #refuse(row: ResolvedRow, issues: readonly Issue[], outcome: ErrorCode): Promise<void> {
    const organization = row.place.organization.id
    const entry = this.#unit.entry({ operation: 'UpdateUser', outcome, organization })
    await insertAuditEntry(this.#unit.tx, { ...entry, status: 'Failed' })
    this.results.push(toResult(row, 'conflict', { issues }))
  }

  /** Makes a unit of another operation over the same transaction, for its audit entries. */
  #unitOf(operation: Parameters<typeof newUnit>[2]['operation'], organization: string | null = null): Unit {
    return newUnit(this.#dir, this.#unit.ctx, { operation, organization }, this.#unit.tx)
  }
}
