import { sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import type { User } from '../../model/users.ts'
import type { Tx, UserArea } from '../port.ts'
import { isInArea, toAreaParameters } from './areas.ts'
import { toUser } from './users.ts'

/** Which users count: live ones, deleted ones, or both. */
export type UserState = 'live' | 'deleted' | 'any'

/**
 * Returns users of an area: the one with an id, or those with an e-mail, compared without case. Deleted ones are
 * ordered: the one who was deleted last comes first.
 * @param named.limit the most users to return
 */
export async function selectUsersInArea(
  tx: Tx,
  area: UserArea,
  named: ({ readonly id: string } | { readonly email: string }) & { state: UserState; limit: number },
): Promise<User[]> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('users')
      .selectAll()
      .where(
        'id' in named ? 'users.id' : 'users.email_key',
        '=',
        'id' in named ? named.id : foldEmail(named.email),
      )
      .$if(named.state !== 'any', (query) =>
        query.where('users.deleted_at', named.state === 'live' ? 'is' : 'is not', null),
      )
      .where(isInArea(toAreaParameters(area)))
      // Leads SQLite to the address in this organization, however many others have it.
      .$if(area.organizationPk !== undefined, (query) =>
        query.where('users.organization_pk', '=', area.organizationPk as number),
      )
      // Without an order the search ends at the limit, however many organizations have a user with the e-mail.
      .$if(named.state === 'deleted', (query) => query.orderBy(sql`users.deleted_at desc, users.pk desc`))
      .limit(sql.lit(named.limit)),
  )
  return rows.map(toUser)
}
