import { sql } from 'kysely'
import { statement } from '../statement.ts'

/** Writes the one row of `heartbeats`. The row must change: SQLite writes nothing for a row that stays the same. */
export const writeHeartbeat = statement((db, p: { at: string }) =>
  db
    .insertInto('heartbeats')
    .values({ pk: sql.lit(1), at: p.at })
    .onConflict((conflict) => conflict.column('pk').doUpdateSet((eb) => ({ at: eb.ref('excluded.at') }))),
)
