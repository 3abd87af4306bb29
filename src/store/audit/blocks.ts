import { sql } from 'kysely'
import type { AuditKey, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { type BlockRow, type FilledBlock, toBlockRow } from './block-rows.ts'

/** Selects the newest block. */
export const headBlock = statement((db) =>
  db
    .selectFrom('audit_blocks')
    .select(['number', 'seal as hash'])
    .orderBy('number', 'desc')
    .limit(sql.lit(1)),
)

/** Selects the primary key of the newest entry. */
export const selectLastEntry = statement((db) =>
  db.selectFrom('audit_entries').select((eb) => eb.fn.max('pk').as('pk')),
)

/** Inserts the row of a block. */
export const insertBlock = statement((db, p: BlockRow) =>
  db.insertInto('audit_blocks').values({
    number: p.number,
    first_pk: p.first_pk,
    last_pk: p.last_pk,
    entries: p.entries,
    previous_hash: p.previous_hash,
    seal: p.seal,
  }),
)

/**
 * Writes the row that seals a block of audit entries.
 * @throws {ConstraintError} when another process has sealed a block with this number first
 */
export async function writeSeal(tx: Tx, filled: FilledBlock, key: AuditKey): Promise<void> {
  await tx.run(insertBlock, toBlockRow(filled, key))
}
