import { type SqlBool, sql } from 'kysely'
import type { User } from '../../model/users.ts'
import type { Tx } from '../port.ts'
import { toUser } from './users.ts'

/** The most e-mail addresses or users of one query: it is compiled on each call. */
const TOGETHER = 250

/**
 * Returns the users of an organization with these e-mail addresses, live or deleted ones.
 * @param sought.keys as `foldEmail` returns them
 * @param sought.locks whether no other unit can change the users until this one ends; not for a unit that only reads
 * @returns the users by their key; of several deleted users with one address, the one who was deleted last
 */
export async function selectUsersByEmails(
  tx: Tx,
  organization: number,
  { keys, deleted, locks }: { keys: readonly string[]; deleted: boolean; locks: boolean },
): Promise<Map<string, User>> {
  const found = new Map<string, User>()
  for (let from = 0; from < keys.length; from += TOGETHER) {
    const rows = await tx.query((db) =>
      db
        .selectFrom('users')
        .selectAll()
        .where('organization_pk', '=', organization)
        .where('email_key', 'in', keys.slice(from, from + TOGETHER))
        // A literal, so that it equals the condition of an index.
        .where(deleted ? sql<SqlBool>`deleted_at is not null` : sql<SqlBool>`deleted_at is null`)
        .orderBy('deleted_at')
        .orderBy('pk')
        .$if(locks, (query) => query.modifyEnd(tx.locks.exclusive)),
    )
    for (const row of rows) found.set(row.email_key ?? '', toUser(row))
  }
  return found
}

/** Returns users, deleted or not, by their primary keys. */
export async function selectUsersByPks(tx: Tx, pks: readonly number[]): Promise<Map<number, User>> {
  const found = new Map<number, User>()
  for (let from = 0; from < pks.length; from += TOGETHER) {
    const some = pks.slice(from, from + TOGETHER)
    for (const row of await tx.query((db) => db.selectFrom('users').selectAll().where('pk', 'in', some)))
      found.set(row.pk, toUser(row))
  }
  return found
}

/** A page of an export. */
export interface ExportRow extends Pick<User, 'pk' | 'id' | 'firstName' | 'lastName' | 'email'> {
  readonly customerId: string
  readonly nameKey: string
}

/**
 * Returns the next live users of an organization, or of a provider, ordered by name. Those that no list has yet are
 * left out; see `catchUpLists`.
 * @param page.after the last user of the page before
 */
export async function selectExportPage(
  tx: Tx,
  of: { providerPk: number; organizationPk: number | undefined },
  { after, limit }: { after: { nameKey: string; id: string } | undefined; limit: number },
): Promise<ExportRow[]> {
  return tx.query((db) => {
    let query = db
      .selectFrom('users')
      .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
      .select([
        'users.pk',
        'users.id',
        'users.first_name as firstName',
        'users.last_name as lastName',
        'users.email',
      ])
      .select(['organizations.id as customerId', 'users.name_key as nameKey'])
      .where(sql<SqlBool>`users.deleted_at is null and users.listed = 1`)
      .where('organizations.deleted_at', 'is', null)
      .orderBy('users.name_key')
      .orderBy('users.id')
      .limit(limit)
    query =
      of.organizationPk === undefined
        ? query.where('users.provider_pk', '=', of.providerPk)
        : query.where('users.organization_pk', '=', of.organizationPk)
    if (after) query = query.where(sql<SqlBool>`(users.name_key, users.id) > (${after.nameKey}, ${after.id})`)
    return query
  })
}
