import type { AccountRemoval } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { selectRemovalsOfUser } from '../store/accounts/views.ts'
import { type EntrySeal, selectDeletionOf, selectSeal } from '../store/audit/removals.ts'
import { selectChangesOfUser } from '../store/audit/timeline.ts'
import { selectErasedAt } from '../store/tables/person-keys.ts'
import { type DescribedEntry, describeEntries, toLogReader } from './audit-entries.ts'
import type { Directory } from './directory.ts'
import { getUserOfAnyState, type ReachableUser } from './reach.ts'
import { runRead } from './unit.ts'

/** The most entries that are searched for the one of the removal, which is among the last changes of a user. */
const SEARCHED = 1_000

const REMOVALS: ReadonlySet<string> = new Set([
  'DeleteUser',
  'EraseUser',
  'DeleteUserAccount',
  'DeleteAccount',
])

/** What proves that a user, or their account, was removed. */
export interface Receipt extends ReachableUser {
  /** The entry of the removal: who asked for it, when, and by which request. */
  readonly entry: DescribedEntry
  /** What seals this entry in the audit log. */
  readonly seal: EntrySeal
  /** When the person's values were erased from the directory, ISO 8601; null if they were not. */
  readonly erasedAt: string | null
  /** Each account that the user has had. Its error is in words for the provider alone. */
  readonly accounts: readonly AccountRemoval[]
}

/**
 * Returns the receipt of the last removal of a user within reach, or of their account.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`; `user_not_deleted` if neither was removed, or the context
 *   may not see the entry; `store_unavailable`
 */
export function getReceipt(dir: Directory, ctx: Context, userId: string): Promise<Receipt> {
  return runRead(dir, ctx, 'GetReceipt', async (scope) => {
    const { tx } = scope
    const person = await getUserOfAnyState(scope, userId)
    const { user, organization } = person
    const reader = toLogReader(ctx)
    const accounts = await selectRemovalsOfUser(tx, user.pk)
    const erasedAt = (await selectErasedAt(tx, user.id)) ?? null
    const times = [user.deletedAt, erasedAt, ...accounts.map(({ toldAt }) => toldAt)].filter(
      (at) => at !== null,
    )
    const found = await selectChangesOfUser(tx, { user, reader, times }, SEARCHED)
    const removals = found.filter(({ operation }) => REMOVALS.has(operation))
    const deletion = removals.find((one) => one.operation === 'DeleteUser' && one.at === user.deletedAt)
    const entry =
      deletion ?? removals[0] ?? (reader.reseller ? undefined : await selectDeletionOf(tx, organization.id))
    const [named] = entry ? await describeEntries(dir, tx, { reader, entries: [entry] }) : []
    if (!entry || !named) throw notRemoved(user.id)
    const hides = ctx.organization.kind !== 'provider'
    return {
      ...person,
      entry: named,
      seal: await selectSeal(tx, entry.id, entry.number),
      erasedAt,
      accounts: hides ? accounts.map((one) => ({ ...one, error: null })) : accounts,
    }
  })
}

function notRemoved(userId: string): DirectoryError {
  return new DirectoryError('user_not_deleted', `Neither the user ${userId} nor their account was removed.`)
}
