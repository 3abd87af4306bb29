import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** A one-time link. The link itself is not stored. */
export interface SignInLink {
  readonly pk: number
  readonly id: string
  /** Null for the link that makes the first Administrator of the provider. */
  readonly userPk: number | null
  readonly expiresAt: string
  /** When it was used; null before. */
  readonly usedAt: string | null
}

interface NewLink {
  readonly id: string
  readonly hash: string
  readonly user: number | null
  readonly now: string
  readonly expiresAt: string
}

const insert = statement((db, p: NewLink) =>
  db.insertInto('sign_in_links').values({
    id: p.id,
    token_hash: p.hash,
    user_pk: p.user,
    created_at: p.now,
    expires_at: p.expiresAt,
  }),
)

/** Inserts a link. `hash` is the SHA-256 of its token. */
export async function insertSignInLink(tx: Tx, link: NewLink): Promise<void> {
  await tx.run(insert, link)
}

const selectByHash = statement((db, p: { hash: string }) =>
  db
    .selectFrom('sign_in_links')
    .select(['pk', 'id', 'user_pk as userPk', 'expires_at as expiresAt', 'used_at as usedAt'])
    .where('token_hash', '=', p.hash),
)

/** Returns the link with this hash of its token, used or expired or not. */
export async function selectSignInLink(tx: Tx, hash: string): Promise<SignInLink | undefined> {
  return tx.get(selectByHash, { hash })
}

const use = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('sign_in_links')
    .set({ used_at: p.now })
    .where('pk', '=', p.pk)
    .where('used_at', 'is', null)
    .where('expires_at', '>', p.now),
)

/** Uses a link. Returns false if it was used before, or has expired. */
export async function markSignInLinkUsed(tx: Tx, pk: number, now: string): Promise<boolean> {
  return (await tx.run(use, { pk, now })) === 1
}

const deleteOf = statement((db, p: { user: number }) =>
  db.deleteFrom('sign_in_links').where('user_pk', '=', p.user),
)

/** Deletes the links of a user, used or not. Returns how many. */
export async function deleteSignInLinksOf(tx: Tx, user: number): Promise<number> {
  return tx.run(deleteOf, { user })
}

const deleteUnused = statement((db, p: { user: number; now: string }) =>
  db
    .deleteFrom('sign_in_links')
    .where('user_pk', '=', p.user)
    .where('used_at', 'is', null)
    .where('expires_at', '>', p.now),
)

/** Deletes the links of a user that can still be used. Returns how many. */
export async function deleteUsableLinksOf(tx: Tx, user: number, now: string): Promise<number> {
  return tx.run(deleteUnused, { user, now })
}

const deleteFirst = statement((db) =>
  db.deleteFrom('sign_in_links').where('user_pk', 'is', null).where('used_at', 'is', null),
)

/** Deletes the unused links that make the first Administrator of the provider. */
export async function deleteFirstSignInLinks(tx: Tx): Promise<void> {
  await tx.run(deleteFirst, {})
}

const deleteExpired = statement((db, p: { before: string }) =>
  db.deleteFrom('sign_in_links').where('expires_at', '<=', p.before),
)

/** Deletes links that expired before a time. */
export async function deleteExpiredLinks(tx: Tx, before: string): Promise<void> {
  await tx.run(deleteExpired, { before })
}

const deleteAll = statement((db) => db.deleteFrom('sign_in_links'))

/** Deletes all links. */
export async function deleteAllSignInLinks(tx: Tx): Promise<void> {
  await tx.run(deleteAll, {})
}
