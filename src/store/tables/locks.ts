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
 * Makes the unit the only one of its name: of two that run at the same moment, in whatever processes, one runs after
 * the other and sees what it wrote. For rules that no unique index can decide; to be taken before anything is read.
 */
export async function takeLock(tx: Tx, name: string, now: string): Promise<void> {
  await tx.run(take, { name, now })
}
