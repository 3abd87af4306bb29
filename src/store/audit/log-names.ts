import { type RawBuilder, sql } from 'kysely'
import type { CallerName } from '../../model/context.ts'
import { toFullName } from '../../model/users.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'

/** Who reads the log: a provider, or one of its resellers. */
export interface LogReader {
  readonly providerPk: number
  readonly reseller?: { readonly pk: number; readonly id: string } | undefined
}

/**
 * Returns the current names of organizations, by their ids: those that the reader may know. An entry may name others,
 * because callers send any id, and customers leave resellers.
 */
export async function selectOrganizationNames(
  tx: Tx,
  ids: readonly string[],
  { providerPk, reseller }: LogReader,
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const seen = reseller ? isOf(reseller.pk) : sql`1 = 1`
  const rows = await query<{ id: string; name: string }>(
    tx,
    sql`select id, name from organizations where id in (${sql.join(ids)}) and provider_pk = ${providerPk} and ${seen}`,
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** Returns the condition on `organizations` that it is a reseller, or one of its customers. */
export function isOf(resellerPk: number): RawBuilder<unknown> {
  return sql`(organizations.pk = ${resellerPk} or exists (select 1 from customer_resellers
    where customer_pk = organizations.pk and reseller_pk = ${resellerPk}))`
}

/** Who may know callers: who reads the log, or the organization of a webhook. */
interface CallerReader extends Pick<LogReader, 'providerPk'> {
  readonly reseller?: { readonly pk: number } | undefined
}

/** A caller that the reader may know. */
export interface NamedCaller {
  readonly id: string
  /** Null if the person has no name, or was erased. */
  readonly name: string | null
}

/**
 * Returns the current names of callers, by their ids. A provider sees those of its own organizations, a reseller those
 * of itself and of its customers.
 */
export async function selectCallerNames(
  tx: Tx,
  callers: readonly CallerName[],
  { providerPk, reseller }: CallerReader,
): Promise<Map<string, NamedCaller>> {
  const idsOf = (kind: 'client' | 'person'): string[] => [
    ...new Set(callers.flatMap((caller) => (caller.kind === kind ? [caller.id] : []))),
  ]
  const organization = sql`select 1 from organizations where organizations.pk = found.organization_pk`
  const seen = reseller
    ? sql`exists (${organization} and ${isOf(reseller.pk)})`
    : sql`exists (${organization} and coalesce(provider_pk, organizations.pk) = ${providerPk})`
  const [clients, persons] = [idsOf('client'), idsOf('person')]
  const named = clients.length
    ? await query<NamedCaller>(
        tx,
        sql`select id, name from clients as found where id in (${sql.join(clients)}) and ${seen}`,
      )
    : []
  const people = persons.length
    ? await query<{ id: string; firstName: string | null; lastName: string | null }>(
        tx,
        sql`select id, first_name as "firstName", last_name as "lastName" from users as found where id in (${sql.join(persons)}) and ${seen}`,
      )
    : []
  for (const { id, firstName, lastName } of people)
    named.push({ id, name: toFullName({ firstName, lastName }) })
  return new Map(named.map((one) => [one.id, one]))
}
