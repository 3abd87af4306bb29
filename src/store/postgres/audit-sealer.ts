import { sql } from 'kysely'
import { toNextBlock } from '../audit/block-rows.ts'
import { headBlock, writeSeal } from '../audit/blocks.ts'
import { toHashedEntry } from '../audit/entries.ts'
import type { EntryRow } from '../audit/entry-rows.ts'
import { hashEntry } from '../audit/entry-rows.ts'
import { getAuditKey } from '../audit/keys.ts'
import type { AuditKeySealer, Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { statement } from '../statement.ts'

/** The most entries of one block. */
export const MAX_BLOCK = 1_000

const selectUnsealed = statement((db) =>
  db
    .selectFrom('audit_entries')
    .selectAll()
    .where('block', 'is', null)
    .orderBy('pk')
    .limit(sql.lit(MAX_BLOCK)),
)

/**
 * Puts the oldest entries that have no block into one. Primary keys are not in the order of commits, so an entry may be
 * in a later block than an entry with a higher primary key.
 * @returns the number of sealed audit entries; less than `MAX_BLOCK` if none are left
 * @throws {ConstraintError} when another process has sealed them first
 * @throws {StoreError} when the audit key is missing, or the master keys do not open it
 */
export async function sealAuditEntries(tx: Tx, sealer: AuditKeySealer): Promise<number> {
  const rows = (await tx.all(selectUnsealed, {})) as (EntryRow & { pk: number })[]
  const [first, last] = [rows.at(0)?.pk, rows.at(-1)?.pk]
  if (first === undefined || last === undefined) return 0
  const key = await getAuditKey(tx, sealer)
  const block = toNextBlock(await tx.get(headBlock, {}))
  rows.forEach((row, position) => {
    block.hashes.push(hashEntry(toHashedEntry(row), row.caller, { block: block.number, position }))
  })
  const seals = sql`
    update audit_entries set block = ${block.number}, position = place - 1, hash = entry_hash
    from unnest(${rows.map((row) => row.pk)}::bigint[], ${block.hashes}::text[]) with ordinality
      as seal (entry_pk, entry_hash, place)
    where pk = entry_pk`
  await query(tx, seals)
  await writeSeal(tx, { block, first, last }, key)
  return rows.length
}
