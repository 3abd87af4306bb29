import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

const selectHolder = statement((db, p: { id: string }) =>
  db
    .selectFrom('users')
    .select('pk')
    .where('id', '=', p.id)
    .unionAll(db.selectFrom('organizations').select('pk').where('id', '=', p.id))
    .unionAll(db.selectFrom('groups').select('pk').where('id', '=', p.id))
    .unionAll(db.selectFrom('clients').select('pk').where('id', '=', p.id)),
)

/** Returns whether a user, an organization, a group or a client has this id, deleted ones included. */
export async function isIdTaken(tx: Tx, id: string): Promise<boolean> {
  return (await tx.get(selectHolder, { id })) !== undefined
}
