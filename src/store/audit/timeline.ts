import { type RawBuilder, sql } from 'kysely'
import type { TimelineKind } from '../../model/timelines.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { isAboutUser, isRecordedRead, selectIndexRows } from './index-rows.ts'
import type { LogReader } from './log-names.ts'
import { type IndexRow, type NumberedLogEntry, STATUS, selectEntries } from './logs.ts'
import { isSeenBy } from './requests.ts'
import { findTail, findTailAt } from './tail.ts'

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
  readonly reader: LogReader
  readonly kinds: readonly TimelineKind[]
  /** Only entries with a lower number. */
  readonly before: number
  readonly limit: number
  /** The most entries of the tail of the log that are looked at; TAIL_WINDOW when left out. */
  readonly window?: number | undefined
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
  const { user, before, limit, window } = request
  const tail = await findTail(tx, { before, size: window })
  // What is in the index below the floor waits until the tail was looked at down to it.
  const indexed = selectIndexed(user, { from: tail?.floor ?? 0, before })
  const newest = tail && selectAbout(user, tail.reaching)
  const text = sql`select entry_pk from (${newest ? sql`${indexed} union all ${newest}` : indexed}) as keys
    order by entry_pk desc limit ${sql.lit(MAX_EXAMINED)}`
  const pks = (await query<{ entry_pk: number }>(tx, text)).map((row) => row.entry_pk)
  const rows: IndexRow[] = []
  let examined = 0
  for (; rows.length < limit && examined < pks.length; examined += STEP)
    rows.push(...(await selectShown(tx, request, pks.slice(examined, examined + STEP))))
  const entries = await selectEntries(tx, rows.slice(0, limit))
  if (examined < pks.length || pks.length === MAX_EXAMINED)
    return { entries, last: await findPlace(tx, pks[Math.min(examined, pks.length) - 1]) }
  return { entries, last: await findPlace(tx, tail?.floor ?? undefined) }
}

/** Selects the newest entries of the index about a user, among those between two numbers. */
function selectIndexed(
  { id }: NamedUser,
  { from, before }: { readonly from: number; readonly before: number },
): RawBuilder<unknown> {
  return sql`select * from (select entry_pk from audit_ids
    where id = ${id} and entry_pk < ${before} and entry_pk >= ${from}
    order by entry_pk desc limit ${sql.lit(MAX_EXAMINED)}) as indexed`
}

function selectAbout(user: NamedUser, reaching: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`select entry.pk as entry_pk from audit_entries as entry where ${reaching} and ${isAboutUser(user)}`
}

/**
 * Returns the newest changes of a user, their accounts and their keys that a reader may see, at most `limit`. Among the
 * entries that are not in the index yet, it looks at the newest ones, and at those of some times.
 * @param about.times ISO 8601, few: when what is looked for was recorded
 */
export async function selectChangesOfUser(
  tx: Tx,
  about: { readonly user: NamedUser; readonly reader: LogReader; readonly times: readonly string[] },
  limit: number,
): Promise<readonly NumberedLogEntry[]> {
  const { user, reader } = about
  const tails = [(await findTail(tx))?.reaching]
  for (const time of new Set(about.times)) tails.push(await findTailAt(tx, time))
  const found = tails.flatMap((tail) => (tail ? [selectAbout(user, tail)] : []))
  const indexed = selectIndexed(user, { from: 0, before: Number.MAX_SAFE_INTEGER })
  const keys = sql.join([indexed, ...found], sql` union `)
  const text = sql`select entry_pk from (${keys}) as keys order by entry_pk desc limit ${sql.lit(MAX_EXAMINED)}`
  const pks = (await query<{ entry_pk: number }>(tx, text)).map((row) => row.entry_pk)
  const rows: IndexRow[] = []
  for (let examined = 0; rows.length < limit && examined < pks.length; examined += STEP)
    rows.push(
      ...(await selectShown(tx, { reader, kinds: ['changes'] }, pks.slice(examined, examined + STEP))),
    )
  return selectEntries(tx, rows.slice(0, limit))
}

const IS_READ = isRecordedRead('i.operation')
const SHOWN = {
  changes: sql`(i.status <> 'Failed' and not (${IS_READ}))`,
  reads: sql`(i.status <> 'Failed' and ${IS_READ})`,
  refusals: sql`i.status = 'Failed'`,
  platform: undefined,
} as const satisfies Record<TimelineKind, unknown>

/** Returns those of some entries that a page shows, newest first. */
async function selectShown(
  tx: Tx,
  { reader, kinds }: Pick<UserEntriesRequest, 'reader' | 'kinds'>,
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
  const [entry] = await query<{ at: string }>(
    tx,
    sql`select at from audit_entries where pk >= ${number} order by pk limit 1`,
  )
  return entry ? { number, at: entry.at } : null
}

/** The most times whose entries are searched in the tail of the log. */
const MAX_TIMES = 8

/**
 * Finds the requests that changed the accounts of a user at given times: changes of the user, of their accounts and
 * keys; or else of their whole organization or its tenants. Entries that are not in the index of the log yet are found
 * for the latest 8 of the times that the index does not have.
 * @param times ISO 8601
 * @returns the correlation ids of the requests that were found, by their times
 */
export async function selectChangesOfAccounts(
  tx: Tx,
  about: AccountsOfUser,
  times: readonly string[],
): Promise<Map<string, string>> {
  if (times.length === 0) return new Map()
  const found = await selectChanges(
    tx,
    about,
    sql`entry.pk in (select entry_pk from audit_index
      where provider_pk = ${about.providerPk} and at in (${sql.join(times)}))`,
  )
  const left = times.filter((time) => !found.has(time)).sort()
  for (const time of left.slice(-MAX_TIMES)) {
    const tail = await findTailAt(tx, time)
    if (!tail) break
    for (const [at, id] of await selectChanges(tx, about, tail)) found.set(at, id)
  }
  return found
}

/** Whose accounts were changed. */
export interface AccountsOfUser {
  readonly user: NamedUser
  readonly organizationPk: number
  readonly providerPk: number
}

/** Returns the correlation ids of those changes of a user's accounts that a condition on `entry` reaches, by time. */
async function selectChanges(
  tx: Tx,
  { user, organizationPk }: AccountsOfUser,
  reaching: RawBuilder<unknown>,
): Promise<Map<string, string>> {
  const isOfAll = sql`entry.target in (
    select id from organizations where pk = ${organizationPk}
    union all select id from tenants where organization_pk = ${organizationPk})`
  const found = await query<{ at: string; correlationId: string }>(
    tx,
    sql`select at, "correlationId" from (
      select entry.at, entry.correlation_id as "correlationId", entry.pk,
        case when ${isAboutUser(user)} then 1 when ${isOfAll} then 0 end as nearness
      from audit_entries as entry
      where ${reaching} and entry.status = 'Succeeded' and not (${isRecordedRead('entry.operation')})) as changes
      where nearness is not null order by nearness, pk`,
  )
  return new Map(found.map((one) => [one.at, one.correlationId]))
}
