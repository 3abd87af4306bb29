import { sql } from 'kysely'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { selectIndexRows } from './index-rows.ts'
import { type IndexRow, type LogEntry, STATUS, selectEntries } from './logs.ts'
import { findTailAt } from './tail.ts'

/** What seals an audit entry; the block is null until then. */
export interface EntrySeal {
  /** The hash of the entry; null while it is in no block. */
  readonly hash: string | null
  readonly block: { readonly number: number; readonly hash: string } | null
}

/** Returns the hash of an entry, and the block that seals it. */
export async function selectSeal(tx: Tx, entryId: string, number: number): Promise<EntrySeal> {
  const [row] = await query<{ hash: string | null; number: number | null; seal: string | null }>(
    tx,
    sql`select entry.hash, audit_blocks.number, audit_blocks.seal
      from audit_entries as entry left join audit_blocks on audit_blocks.number = entry.block
      where entry.pk = ${number} and entry.id = ${entryId}`,
  )
  const { number: block, seal } = row ?? { number: null, seal: null }
  return {
    hash: row?.hash ?? null,
    block: block === null || seal === null ? null : { number: Number(block), hash: seal },
  }
}

/**
 * Returns the newest entry that says that a customer was deleted; undefined if there is none. An entry that is not in
 * the index yet is found by the time at which the customer was deleted.
 */
export async function selectDeletionOf(
  tx: Tx,
  id: string,
): Promise<(LogEntry & { readonly number: number }) | undefined> {
  const [customer] = await query<{ at: string | null }>(
    tx,
    sql`select deleted_at as at from organizations where id = ${id}`,
  )
  const newest = customer?.at ? await findTailAt(tx, customer.at) : undefined
  const isDeletion = sql`entry.target = ${id} and entry.operation = 'DeleteCustomer' and entry.outcome = 'begun'`
  const indexed = sql`select entry_pk from audit_ids where id = ${id}`
  const found = [
    sql`select entry.pk from audit_entries as entry where entry.pk in (${indexed}) and ${isDeletion}`,
    ...(newest ? [sql`select entry.pk from audit_entries as entry where ${newest} and ${isDeletion}`] : []),
  ]
  const keys = sql`select pk from (${sql.join(found, sql` union all `)}) as keys order by pk desc limit 1`
  const rows = await query<IndexRow>(
    tx,
    sql`select i.entry_pk, ${STATUS} as status, i.customer, i.reseller
      from (${selectIndexRows(sql`entry.pk in (${keys})`)}) as i`,
  )
  return (await selectEntries(tx, rows))[0]
}
