import { type RawBuilder, sql } from 'kysely'
import { RECORDED_READS } from '../../model/audit.ts'
import { ACCESS_KEY_LENGTH } from '../../model/credentials.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { statement } from '../statement.ts'
import { addTotals } from './log-totals.ts'
import { findTail, getProgress, type IndexProgress } from './tail.ts'

// The index of the audit log. It follows the log: a loop adds what is new in idle moments, so that creates do not pay
// for it. What it does not have yet, the tail, is read from the log itself.

/** Marks callers among the ids of the index. Without it, a person's own calls would be found as entries about them. */
export const CALLER_PREFIX = 'by '

const setProgress = statement((db, p: IndexProgress) =>
  db
    .insertInto('audit_progress')
    .values({ pk: 1, block: p.block, entry_pk: p.entryPk })
    .onConflict((conflict) => conflict.column('pk').doUpdateSet({ block: p.block, entry_pk: p.entryPk })),
)

const selectNextBlocks = statement((db, p: { block: number; limit: number }) =>
  db
    .selectFrom('audit_blocks')
    .select(['number', 'first_pk as first', 'last_pk as last', 'entries'])
    .where('number', '>=', p.block)
    .orderBy('number')
    .limit(p.limit),
)

/** The primary key of the user whose key the target of `entry` is; also of a key that was deleted. */
const OWNER_OF_KEY = sql`(
  select accounts.user_pk from credentials join accounts on accounts.pk = credentials.account_pk
    where credentials.access_key = entry.target
  union all
  select accounts.user_pk from removed_keys join accounts on accounts.pk = removed_keys.account_pk
    where removed_keys.access_key = entry.target
  limit 1)`

/** Returns the condition on `entry` that it is about a user: their id or one of their keys is its target. */
export function isAboutUser({ pk, id }: { readonly pk: number; readonly id: string }): RawBuilder<unknown> {
  const accounts = sql`select accounts.pk from accounts where accounts.user_pk = ${pk}`
  const keys = sql`select access_key from credentials where account_pk in (${accounts})
    union all select access_key from removed_keys where account_pk in (${accounts})`
  return sql`(lower(entry.target) = ${id} or (${IS_KEY} and entry.target in (${keys})))`
}

/** The condition that the target of `entry` may be an access key, which spares most entries the look-up. */
const IS_KEY = sql`length(entry.target) = ${sql.lit(ACCESS_KEY_LENGTH)}`

/** Returns the condition that an entry is of a read that succeeded. */
export function isRecordedRead(column: 'entry.operation' | 'i.operation'): RawBuilder<unknown> {
  return sql`${sql.ref(column)} in (${sql.join(RECORDED_READS.map((read) => sql.lit(read)))})`
}

/**
 * Selects the columns of the index from the log. `user_pk` is set for entries that may have changed what a platform
 * must have: their target is a user or an access key, and they neither read nor change the names of a user. An entry
 * about a user is in the context of the user's reseller, even if Cloud Director or the customer made the change.
 * @param reaching the condition on `audit_entries as entry`
 */
export function selectIndexRows(reaching: RawBuilder<unknown>): RawBuilder<unknown> {
  // The target of a refused call may be any id: that of another organization's user says nothing.
  const isOfEntry = sql`(org.pk is null or org.pk = users.organization_pk
    or (org.kind <> 'customer' and coalesce(org.provider_pk, org.pk) = users.provider_pk))`
  const mayChangeAccounts = sql`entry.operation <> 'UpdateUser'
    and not (${isRecordedRead('entry.operation')})`
  // An organization that was removed is counted to the first provider.
  return sql`
    select
      coalesce(org.provider_pk, org.pk, (select min(pk) from organizations where kind = 'provider')) as provider_pk,
      entry.at, entry.pk as entry_pk, entry.operation, entry.status,
      case when org.kind = 'customer' then org.id end as customer,
      coalesce(entry.reseller, case when org.kind = 'reseller' then org.id end,
        (select context.id from users join organizations as context on context.pk = users.reseller_pk
          where users.id = entry.target and ${isOfEntry}),
        (select context.id from users join organizations as context on context.pk = users.reseller_pk
          where ${IS_KEY} and users.pk = ${OWNER_OF_KEY} and ${isOfEntry})) as reseller,
      case when ${mayChangeAccounts} then coalesce(
        (select users.pk from users where users.id = entry.target
          and exists (select 1 from accounts where accounts.user_pk = users.pk)),
        case when ${IS_KEY} then ${OWNER_OF_KEY} end)
      end as user_pk
    from audit_entries as entry left join organizations as org on org.id = entry.organization
    where ${reaching}`
}

/** Returns the ids of the resellers in whose context entries are, by the primary keys of the entries; null for none. */
export async function selectContexts(tx: Tx, pks: readonly number[]): Promise<Map<number, string | null>> {
  if (pks.length === 0) return new Map()
  const rows = await query<{ entry_pk: number; reseller: string | null }>(
    tx,
    sql`select entry_pk, reseller from (${selectIndexRows(sql`entry.pk in (${sql.join(pks)})`)}) as i`,
  )
  return new Map(rows.map(({ entry_pk, reseller }) => [entry_pk, reseller]))
}

const selectNewest = statement((db) =>
  db
    .selectFrom('audit_blocks')
    .select(['number', 'last_pk as last'])
    .orderBy('number', 'desc')
    .limit(sql.lit(1)),
)

/** Returns whether the index has all sealed entries. */
export async function isAuditLogFollowed(tx: Tx): Promise<boolean> {
  const [progress, newest] = [await getProgress(tx), await tx.get(selectNewest, {})]
  return newest === undefined || (progress.block === newest.number && progress.entryPk >= newest.last)
}

/**
 * Adds the next sealed entries to the index.
 * @param limit how many entries at most
 * @returns how many were added; 0 if none is left
 */
export async function followAuditLog(tx: Tx, limit: number): Promise<number> {
  const from = await getProgress(tx)
  const blocks = await tx.all(selectNextBlocks, { block: from.block, limit })
  const chosen = chooseBlocks(blocks, limit)
  const last = chosen.at(-1)
  if (!last) return 0
  const lowest = Math.min(...chosen.map(({ first }) => first))
  const highest = Math.max(...chosen.map((one) => one.last))
  const rows = await query<{ pk: number; block: number }>(
    tx,
    sql`select pk, block from audit_entries
      where pk between ${lowest} and ${highest} and block between ${from.block} and ${last.number}
      and (block > ${from.block} or pk > ${from.entryPk})
      order by block, pk limit ${limit}`,
  )
  const end = rows.at(-1)
  if (!end) return 0
  await insertRows(
    tx,
    rows.map(({ pk }) => pk),
  )
  // Of two processes that add the same entries, one is refused by a primary key.
  await tx.run(setProgress, { block: end.block, entryPk: end.pk })
  return rows.length
}

/** Returns the first blocks that have `limit` entries together. The first one may be in the index in part. */
function chooseBlocks<B extends { readonly entries: number }>(blocks: readonly B[], limit: number): B[] {
  const chosen: B[] = []
  let entries = 0
  for (const block of blocks) {
    chosen.push(block)
    if (chosen.length > 1) entries += block.entries
    if (entries >= limit) break
  }
  return chosen
}

async function insertRows(tx: Tx, pks: readonly number[]): Promise<void> {
  const reaching = sql`entry.pk in (${sql.join(pks.map((pk) => sql.lit(pk)))})`
  await query(
    tx,
    sql`insert into audit_index (provider_pk, at, entry_pk, operation, status, customer, reseller, user_pk)
      ${selectIndexRows(reaching)}`,
  )
  await addTotals(tx, selectIndexRows(reaching))
  await query(
    tx,
    sql`insert into audit_ids (id, entry_pk)
      select lower(correlation_id), pk from audit_entries as entry where ${reaching}
      union select lower(target), pk from audit_entries as entry where ${reaching} and target is not null
      union select lower(organization), pk from audit_entries as entry where ${reaching} and organization is not null
      union select ${sql.lit(CALLER_PREFIX)} || lower(caller), pk from audit_entries as entry where ${reaching}
      union select users.id, entry.pk from audit_entries as entry join users on users.pk = ${OWNER_OF_KEY}
        where ${reaching} and ${IS_KEY}`,
  )
}

/**
 * Returns the query for the primary keys of the entries that have an id as their correlation id, target or
 * organization, or that are about a key of the user with the id; also of all entries that are not in the index yet.
 */
export async function selectEntryKeys(tx: Tx, id: string): Promise<RawBuilder<number>> {
  const tail = await findTail(tx, { size: Number.POSITIVE_INFINITY })
  const indexed = sql`select entry_pk from audit_ids where id = ${id.toLowerCase()}`
  return tail
    ? sql<number>`(${indexed} union all select entry.pk from audit_entries as entry where ${tail.reaching})`
    : sql<number>`(${indexed})`
}

/** Numbers of entries about a target. */
export interface NumbersAbout {
  readonly numbers: readonly number[]
  /** Older entries that are not in the index yet have lower numbers than this; null if there are none. */
  readonly floor: number | null
}

/**
 * Returns the numbers of the entries about a target, among the newest 10,000 entries that are not in the index yet.
 * @param before only entries with a lower number
 */
export async function selectTailAbout(tx: Tx, target: string, before: number): Promise<NumbersAbout> {
  const tail = await findTail(tx, { before })
  if (!tail) return { numbers: [], floor: null }
  const rows = await query<{ pk: number }>(
    tx,
    sql`select entry.pk from audit_entries as entry where ${tail.reaching} and entry.target = ${target}`,
  )
  return { numbers: rows.map(({ pk }) => pk), floor: tail.floor }
}

/** Returns the numbers of the entries about a target that are in the index. */
export async function selectIndexedAbout(tx: Tx, target: string): Promise<number[]> {
  const rows = await query<{ pk: number }>(
    tx,
    sql`select pk from audit_entries
      where pk in (select entry_pk from audit_ids where id = ${target.toLowerCase()}) and target = ${target}`,
  )
  return rows.map(({ pk }) => pk)
}
