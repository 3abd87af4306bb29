import { sql } from 'kysely'
import type { AuditEntry, Operation } from '../../model/audit.ts'
import type { Tx } from '../port.ts'
import { ENTRY_COLUMNS, toEntry } from './entries.ts'
import { findTail } from './tail.ts'

/** The newest entries about a thing that are looked at. */
const MAX_ENTRIES = 500

/**
 * Returns the newest entry about a target with one of several operations and one of several outcomes, if it is among
 * the newest 500 about the target.
 */
export async function selectLastEntryAbout(
  tx: Tx,
  wanted: {
    readonly target: string
    readonly operations: readonly Operation[]
    readonly outcomes: readonly string[]
  },
): Promise<AuditEntry | undefined> {
  const { target, operations, outcomes } = wanted
  const tail = await findTail(tx)
  const indexed = sql`select * from (select entry_pk from audit_ids where id = ${target.toLowerCase()}
    order by entry_pk desc limit ${sql.lit(MAX_ENTRIES)}) as indexed`
  const newest = tail && sql`select entry.pk from audit_entries as entry where ${tail.reaching}`
  const keys = sql<number>`(${newest ? sql`${indexed} union all ${newest}` : indexed})`
  const rows = await tx.query((db) =>
    db
      .selectFrom('audit_entries')
      .select(ENTRY_COLUMNS)
      .where('pk', 'in', keys)
      .where((eb) => eb.or([eb('target', '=', target), eb('organization', '=', target)]))
      .where('operation', 'in', operations)
      .where('outcome', 'in', outcomes)
      .orderBy('pk', 'desc')
      .limit(1),
  )
  return rows[0] && toEntry(rows[0])
}
