import { sql } from 'kysely'
import type { Tx, UserArea } from '../port.ts'
import { isInArea, toAreaParameters } from '../tables/areas.ts'

/** A place in the order in which users were changed. */
export interface ChangePosition {
  /** ISO 8601. */
  readonly at: string
  /** The primary key of the user; 0 is before all changes of this moment. */
  readonly pk: number
}

/** The last change of a user. */
export interface UserChange extends ChangePosition {
  readonly version: number
  /** Whether the user is in the area that was asked for. */
  readonly isInArea: boolean
}

/**
 * Returns the last changes of the provider's users after a position, oldest first, at most `limit`. Users outside the
 * area are returned too, so that each call costs the same. A user who was not deleted but whose organization was counts
 * as outside: they are about to be deleted.
 */
export async function selectChangesAfter(
  tx: Tx,
  area: UserArea,
  { after, limit, beingDeleted }: { after: ChangePosition; limit: number; beingDeleted: readonly number[] },
): Promise<UserChange[]> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('users')
      .select([
        'users.pk',
        'users.updated_at as at',
        'users.version',
        'users.organization_pk',
        'users.deleted_at',
      ])
      .select(sql<number>`case when ${isInArea(toAreaParameters(area))} then 1 else 0 end`.as('found'))
      .where('users.provider_pk', '=', area.providerPk)
      .where((eb) => eb(eb.refTuple('users.updated_at', 'users.pk'), '>', eb.tuple(after.at, after.pk)))
      .orderBy('users.updated_at')
      .orderBy('users.pk')
      .limit(limit),
  )
  return rows.map(({ pk, at, version, found, organization_pk, deleted_at }) => {
    const isBeingDeleted = deleted_at === null && beingDeleted.includes(organization_pk)
    return { pk, at, version, isInArea: found === 1 && !isBeingDeleted }
  })
}
