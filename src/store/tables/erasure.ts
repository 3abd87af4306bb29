import { nameKeyOf } from '../../model/users.ts'
import { bumpVersion } from '../accounts/changes.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

const NAMELESS = { firstName: null, lastName: null, email: null, emailKey: null } as const

const clearUser = statement((db, p: { pk: number; nameKey: string; now: string }) =>
  db
    .updateTable('users')
    .set((eb) => ({
      first_name: null,
      last_name: null,
      email: null,
      email_key: null,
      name_key: p.nameKey,
      version: eb('version', '+', 1),
      updated_at: p.now,
    }))
    .where('pk', '=', p.pk),
)

const dropExternalIds = statement((db, p: { pk: number }) =>
  db.deleteFrom('external_ids').where('user_pk', '=', p.pk),
)

const clearAccounts = statement((db, p: { pk: number; name: string }) =>
  db.updateTable('accounts').set({ username: p.name, email: null }).where('user_pk', '=', p.pk),
)

const renameKept = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => bumpVersion(eb, p.now))
    .where('user_pk', '=', p.pk)
    .where('wanted', '=', 1),
)

/**
 * Deletes the personal values of a deleted user: names, e-mail, the names of their accounts, and the ids that clients
 * gave them. Of an account that is kept for its data, the platform gets the id in place of the name.
 */
export async function clearPersonalValues(
  tx: Tx,
  { pk, id, now }: { readonly pk: number; readonly id: string; readonly now: string },
): Promise<void> {
  await tx.run(clearUser, { pk, nameKey: nameKeyOf(NAMELESS), now })
  await tx.run(dropExternalIds, { pk })
  await tx.run(clearAccounts, { pk, name: id })
  await tx.run(renameKept, { pk, now })
}

/** An account of an erased person, as the platform last had it. */
export interface ErasedAccount {
  readonly platform: string
  readonly canonicalUserId: string
  /**
   * `removed`: the platform no longer has it. `removing`: it is not applied yet. `kept`: suspended, because it owns
   * data.
   */
  readonly state: 'removed' | 'removing' | 'kept'
  /** Why the last attempt failed; null if it did not. */
  readonly reason: string | null
}

const selectAccounts = statement((db, p: { pk: number }) =>
  db
    .selectFrom('accounts')
    .select(['platform', 'canonical_user_id', 'wanted', 'desired_version', 'applied_version', 'last_error'])
    .where('user_pk', '=', p.pk)
    .orderBy('pk'),
)

/** Returns the accounts of a deleted user, removed ones too. */
export async function selectErasedAccounts(tx: Tx, pk: number): Promise<ErasedAccount[]> {
  const rows = await tx.all(selectAccounts, { pk })
  return rows.map((row) => ({
    platform: row.platform,
    canonicalUserId: row.canonical_user_id,
    state: row.applied_version < row.desired_version ? 'removing' : row.wanted === 1 ? 'kept' : 'removed',
    reason: row.last_error,
  }))
}
