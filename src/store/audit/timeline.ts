import { sql } from 'kysely'
import type { TimelineKind } from '../../model/timelines.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { findTail, isAboutUser, selectIndexRows } from './index-rows.ts'
import { type IndexRow, type NumberedLogEntry, STATUS, selectEntries } from './logs.ts'
import { isSeenBy, type RequestReader } from './requests.ts'

/** The most entries that one call looks at. A user whose secrets are read often has very many. */
const MAX_EXAMINED = 5_000
/** How many of them are looked at together. */
const STEP = 500

/** A user as entries name them. */
export interface NamedUser {
  readonly pk: number
  readonly id: string
}

/** Which entries about a user a page has. */
export interface UserEntriesRequest {
  readonly user: NamedUser
  readonly reader: RequestReader
  readonly kinds: readonly TimelineKind[]
  /** Only entries with a lower number. */
  readonly before: number
  readonly limit: number
}

/** A page of entries, newest first. */
export interface UserEntries {
  readonly entries: readonly NumberedLogEntry[]
  /** The number and the time of the last entry that was looked at, if older ones were not; null if all were. */
  readonly last: { readonly number: number; readonly at: string } | null
}

/**
 * Returns the newest entries about a user, their accounts and their keys, also deleted ones, that a reader may see. It
 * looks at a limited number of entries, so a page may have few although there are more.
 */
export async function selectEntriesOfUser(tx: Tx, request: UserEntriesRequest): Promise<UserEntries> {
  const { user, before, limit } = request
  const tail = await findTail(tx)
  const indexed = sql`select * from (select entry_pk from audit_ids where id = ${user.id} and entry_pk < ${before}
    order by entry_pk desc limit ${sql.lit(MAX_EXAMINED)}) as indexed`
  const newest = sql`select entry.pk from audit_entries as entry
    where ${tail} and entry.pk < ${before} and ${isAboutUser(user)}`
  const keys = tail ? sql`${indexed} union all ${newest}` : indexed
  const text = sql`select entry_pk from (${keys}) as keys order by entry_pk desc limit ${sql.lit(MAX_EXAMINED)}`
  const pks = (await query<{ entry_pk: number }>(tx, text)).map((row) => row.entry_pk)
  const rows: IndexRow[] = []
  let examined = 0
  for (; rows.length < limit && examined < pks.length; examined += STEP)
    rows.push(...(await selectShown(tx, request, pks.slice(examined, examined + STEP))))
  const entries = await selectEntries(tx, rows.slice(0, limit))
  const isEnd = examined >= pks.length && pks.length < MAX_EXAMINED
  return { entries, last: isEnd ? null : await findPlace(tx, pks[Math.min(examined, pks.length) - 1]) }
}

const IS_READ = sql`substr(i.operation, 1, 3) in ('Get', 'Lis', 'Que', 'Hea')`
const SHOWN = {
  changes: sql`(i.status <> 'Failed' and not (${IS_READ}))`,
  reads: sql`(i.status <> 'Failed' and ${IS_READ})`,
  refusals: sql`i.status = 'Failed'`,
  platform: undefined,
} as const satisfies Record<TimelineKind, unknown>

/** Returns those of some entries that a page shows, newest first. */
async function selectShown(
  tx: Tx,
  { reader, kinds }: UserEntriesRequest,
  pks: readonly number[],
): Promise<IndexRow[]> {
  const shown = kinds.map((kind) => SHOWN[kind]).filter((one) => one !== undefined)
  if (pks.length === 0 || shown.length === 0) return []
  const rows = selectIndexRows(sql`entry.pk in (${sql.join(pks.map((pk) => sql.lit(pk)))})`)
  return query<IndexRow>(
    tx,
    sql`select i.entry_pk, ${STATUS} as status, i.customer, i.reseller from (${rows}) as i
      where i.provider_pk = ${reader.providerPk} and ${isSeenBy(reader.reseller)} and (${sql.join(shown, sql` or `)})
      order by i.entry_pk desc`,
  )
}

async function findPlace(tx: Tx, number: number | undefined): Promise<UserEntries['last']> {
  if (number === undefined) return null
  const [entry] = await query<{ at: string }>(tx, sql`select at from audit_entries where pk = ${number}`)
  return entry ? { number, at: entry.at } : null
}

/** A change that led to attempts: when it was made, and the correlation id of its request. */
export interface ChangeOfAccount {
  readonly at: string
  readonly correlationId: string
}

/**
 * Finds the requests that changed the accounts of a user at given times: changes of the user, of their accounts and
 * keys; or else of their whole organization or its tenants.
 */
export async function selectChangesOfAccounts(
  tx: Tx,
  { user, organizationPk, providerPk }: { user: NamedUser; organizationPk: number; providerPk: number },
  times: readonly string[],
): Promise<Map<string, string>> {
  if (times.length === 0) return new Map()
  const at = sql`(${sql.join(times)})`
  const tail = await findTail(tx)
  const indexed = sql`select entry_pk from audit_index where provider_pk = ${providerPk} and at in ${at}`
  const newest = sql`select entry.pk from audit_entries as entry where ${tail} and entry.at in ${at}`
  const isOfAll = sql`entry.target in (
    select id from organizations where pk = ${organizationPk}
    union all select id from tenants where organization_pk = ${organizationPk})`
  const found = await query<ChangeOfAccount>(
    tx,
    sql`select at, "correlationId" from (
      select entry.at, entry.correlation_id as "correlationId", entry.pk,
        case when ${isAboutUser(user)} then 1 when ${isOfAll} then 0 end as nearness
      from audit_entries as entry
      where entry.pk in (${tail ? sql`${indexed} union all ${newest}` : indexed}) and entry.status = 'Succeeded'
        and ${IS_CHANGE}) as changes
      where nearness is not null order by nearness, pk`,
  )
  return new Map(found.map((one) => [one.at, one.correlationId]))
}

const IS_CHANGE = sql`substr(entry.operation, 1, 3) not in ('Get', 'Lis', 'Que', 'Hea')`
