import { sql } from 'kysely'
import type { Account } from '../../model/accounts.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { selectAccounts, toAccount } from './accounts.ts'

/** What the reconciler needs to know about an account. */
export interface AccountToReconcile {
  readonly account: Account
  /** False if the account was removed. */
  readonly exists: boolean
  /** Whether a removal also deletes the account's data. */
  readonly purge: boolean
  readonly dueAt: string
  readonly lastError: string | null
  /** When the desired state last changed, ISO 8601. */
  readonly changedAt: string
  /** Whether the newest kept attempt failed, so that a success is to be kept too. */
  readonly hasFailed: boolean
}

const selectToReconcile = statement((db, p: { pk: number }) =>
  selectAccounts(db)
    .select((eb) =>
      eb
        .selectFrom('attempts')
        .select('attempts.outcome')
        .whereRef('attempts.account_pk', '=', 'accounts.pk')
        .orderBy('attempts.pk', 'desc')
        .limit(sql.lit(1))
        .as('last_outcome'),
    )
    .where('accounts.pk', '=', p.pk),
)

/** Returns the account with this primary key, also if it was removed. */
export async function selectAccountToReconcile(tx: Tx, pk: number): Promise<AccountToReconcile | undefined> {
  const row = await tx.get(selectToReconcile, { pk })
  if (!row) return undefined
  const { due_at: dueAt, last_error: lastError, desired_at: changedAt } = row
  const [exists, purge] = [row.wanted === 1, row.purge === 1]
  const hasFailed = row.last_outcome === 'failed' || row.last_outcome === 'late'
  return { account: toAccount(row), exists, purge, dueAt, lastError, changedAt, hasFailed }
}
