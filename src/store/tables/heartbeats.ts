import { sql } from 'kysely'
import { statement } from '../statement.ts'

/** Writes the row that tells whether the store can be written. It changes each time: SQLite writes nothing for a row that stays as it was. */
export const writeHeartbeat = statement((db, p: { at: string }) =>
  db
    .insertInto('heartbeats')
    .values({ pk: sql.lit(1), at: p.at })
    .onConflict((conflict) => conflict.column('pk').doUpdateSet((eb) => ({ at: eb.ref('excluded.at') }))),
)
