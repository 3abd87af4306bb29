import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

const take = statement((db, p: { name: string; now: string }) =>
  db
    .insertInto('turns')
    .values({ name: p.name, taken_at: p.now })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({ taken_at: eb.ref('excluded.taken_at') })),
    ),
)

/**
 * Takes a named lock until the unit ends. Units with the same name run one after the other, in all processes, and the
 * later one sees what the earlier one wrote: a unit that has read before it runs again. It is for rules that no unique
 * index can enforce.
 */
export async function takeLock(tx: Tx, name: string, now: string): Promise<void> {
  await tx.run(take, { name, now })
}
