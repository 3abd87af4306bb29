import type { Identity } from '../../model/sessions.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

const selectUsers = statement((db, p: Identity) =>
  db
    .selectFrom('identities')
    .innerJoin('users', 'users.pk', 'identities.user_pk')
    .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
    .select('users.pk')
    .where('identities.issuer', '=', p.issuer)
    .where('identities.subject', '=', p.subject)
    .where('users.deleted_at', 'is', null)
    .orderBy('organizations.kind')
    .orderBy('users.pk'),
)

/** Returns the primary keys of the live users that an identity is linked to, those of providers first. */
export async function selectUsersOfIdentity(tx: Tx, { issuer, subject }: Identity): Promise<number[]> {
  return (await tx.all(selectUsers, { issuer, subject })).map(({ pk }) => pk)
}

const insert = statement((db, p: Identity & { user: number; now: string }) =>
  db
    .insertInto('identities')
    .values({ issuer: p.issuer, subject: p.subject, user_pk: p.user, created_at: p.now })
    .onConflict((conflict) => conflict.doNothing()),
)

/** Links a user to an identity. Returns false if they were linked before. */
export async function insertIdentity(
  tx: Tx,
  { issuer, subject }: Identity,
  { user, now }: { readonly user: number; readonly now: string },
): Promise<boolean> {
  return (await tx.run(insert, { issuer, subject, user, now })) === 1
}

const deleteOf = statement((db, p: { user: number }) =>
  db.deleteFrom('identities').where('user_pk', '=', p.user),
)

/** Deletes the identities of a user. */
export async function deleteIdentitiesOf(tx: Tx, user: number): Promise<void> {
  await tx.run(deleteOf, { user })
}
