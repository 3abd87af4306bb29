import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { isUuid } from '../model/ids.ts'
import { selectLastEntry } from '../store/audit/blocks.ts'
import { selectIndexedAbout, selectTailAbout } from '../store/audit/index-rows.ts'
import { clearPersonalValues, type ErasedAccount, selectErasedAccounts } from '../store/tables/erasure.ts'
import { replaceMemberships } from '../store/tables/groups.ts'
import { deleteImportedContent } from '../store/tables/imports.ts'
import { destroyPersonKey, selectErasedAt } from '../store/tables/person-keys.ts'
import type { Directory } from './directory.ts'
import { forgetPerson } from './people.ts'
import { getUserOfAnyState, type ReachableUser } from './reach.ts'
import { read, runUnit, type Unit } from './unit.ts'
import { removeUser } from './user-changes.ts'
import { auditUser } from './user-entries.ts'

/** What is left of a person who was erased. */
export interface ErasureReceipt {
  /** The id of the user. */
  readonly id: string
  /** ISO 8601. */
  readonly erasedAt: string
  /** How many entries of the audit log are about the user. They stay, without personal values. */
  readonly entries: number
  readonly accounts: readonly ErasedAccount[]
}

/**
 * Erases a person: destroys the key of their values in the audit log, and deletes their names, their e-mail and all
 * other personal values. The row of the user keeps the id, the organization and the times. Erasing again returns the
 * receipt with the first time, and the accounts as they are now.
 * @param request.force also erases a user who is not deleted: they are deleted first, also the last Administrator
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `user_not_deleted`, `store_unavailable`
 */
export async function eraseUser(
  dir: Directory,
  ctx: Context,
  { user: id, force = false }: { readonly user: string; readonly force?: boolean },
): Promise<ErasureReceipt> {
  const target = isUuid(id) ? id : null
  const erased = await runUnit(dir, ctx, { operation: 'EraseUser', target }, async (unit) => {
    const found = await getUserOfAnyState(unit, id)
    const erasedAt = await selectErasedAt(unit.tx, found.user.id)
    if (erasedAt === undefined) await erase(unit, found, force)
    await auditUser(unit, found, { outcome: erasedAt === undefined ? 'erased' : 'repeated' })
    return {
      id: found.user.id,
      erasedAt: erasedAt ?? unit.now,
      accounts: await selectErasedAccounts(unit.tx, found.user.pk),
      newest: (await unit.tx.get(selectLastEntry, {}))?.pk ?? 0,
    }
  })
  const { newest, ...receipt } = erased
  return { ...receipt, entries: await countEntriesAbout(dir, receipt.id, newest) }
}

/**
 * Counts the entries about a user, in many short reads: after an import, very many entries may not be in the index of
 * the log yet. The index is read last, so an entry that enters it meanwhile is not missed.
 * @param newest the number of the last entry that counts: a repeated call returns what the first one has returned
 */
async function countEntriesAbout(dir: Directory, id: string, newest: number): Promise<number> {
  const found = new Set<number>()
  for (let before: number | null = newest + 1; before !== null; ) {
    const end: number = before
    const { numbers, floor } = await read(dir, (tx) => selectTailAbout(tx, id, end))
    for (const number of numbers) found.add(number)
    before = floor
  }
  for (const number of await read(dir, (tx) => selectIndexedAbout(tx, id)))
    if (number <= newest) found.add(number)
  return found.size
}

async function erase(unit: Unit, found: ReachableUser, force: boolean): Promise<void> {
  const { tx, now } = unit
  const { user } = found
  if (user.deletedAt === null) {
    if (!force) throw notDeleted()
    await removeUser(unit, found, { force: true })
  }
  await destroyPersonKey(tx, user.id, now)
  await clearPersonalValues(tx, { pk: user.pk, id: user.id, now })
  await replaceMemberships(tx, user.pk, [])
  await tx.userIndex.forgetUser(tx, user)
  await deleteImportedContent(tx, user.pk)
  await forgetPerson(tx, user)
}

function notDeleted(): DirectoryError {
  const message = 'The user is not deleted: delete them first. An erasure cannot be undone.'
  return new DirectoryError('user_not_deleted', message)
}
