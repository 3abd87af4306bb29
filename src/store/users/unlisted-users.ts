import { sql } from 'kysely'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** A literal, as in the condition of the index users_unlisted. */
const NOT_LISTED = sql.lit(0)

const selectNewest = statement((db) =>
  db
    .selectFrom('users')
    .select((eb) => eb.fn.max('pk').as('pk'))
    .where('listed', '=', NOT_LISTED),
)

/** Returns the highest primary key of the users who are not in the lists yet; undefined if there are none. */
export async function selectNewestUnlisted(tx: Tx): Promise<number | undefined> {
  return (await tx.get(selectNewest, {}))?.pk ?? undefined
}

const selectOldest = statement((db) =>
  db
    .selectFrom('users')
    .select((eb) => eb.fn.min('pk').as('pk'))
    .where('listed', '=', NOT_LISTED),
)

/** Returns the lowest primary key of the users who are not in the lists yet; undefined if there are none. */
export async function selectOldestUnlisted(tx: Tx): Promise<number | undefined> {
  return (await tx.get(selectOldest, {}))?.pk ?? undefined
}
