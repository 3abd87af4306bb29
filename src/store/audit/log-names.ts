import { sql } from 'kysely'
import type { CallerName } from '../../model/context.ts'
import type { Tx } from '../port.ts'
import { query } from './raw-query.ts'

/** Returns the current names of organizations, by their ids. It leaves out those that no longer have a row. */
export async function selectOrganizationNames(tx: Tx, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await tx.query((db) =>
    db.selectFrom('organizations').select(['id', 'name']).where('id', 'in', ids),
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** A caller as lists show it. */
interface NamedCaller {
  readonly id: string
  /** Null if the person has no name, or was erased. */
  readonly name: string | null
}

/**
 * Returns the current names of callers, by their ids.
 * @param viewer a reseller that sees the names of its own callers, and of those of its customers, only
 */
export async function selectCallerNames(
  tx: Tx,
  callers: readonly CallerName[],
  viewer?: { readonly pk: number },
): Promise<Map<string, NamedCaller>> {
  const idsOf = (kind: 'client' | 'person'): string[] => [
    ...new Set(callers.flatMap((caller) => (caller.kind === kind ? [caller.id] : []))),
  ]
  const seen = viewer
    ? sql`(found.organization_pk = ${viewer.pk} or exists (select 1 from customer_resellers
        where customer_pk = found.organization_pk and reseller_pk = ${viewer.pk}))`
    : sql`1 = 1`
  const [clients, persons] = [idsOf('client'), idsOf('person')]
  const named = clients.length
    ? await query<NamedCaller>(
        tx,
        sql`select id, name from clients as found where id in (${sql.join(clients)}) and ${seen}`,
      )
    : []
  const people = persons.length
    ? await query<{ id: string; first_name: string | null; last_name: string | null }>(
        tx,
        sql`select id, first_name, last_name from users as found where id in (${sql.join(persons)}) and ${seen}`,
      )
    : []
  for (const { id, first_name, last_name } of people)
    named.push({ id, name: [first_name, last_name].filter((part) => part !== null).join(' ') || null })
  return new Map(named.map((one) => [one.id, one]))
}
