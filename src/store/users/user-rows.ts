import { sql } from 'kysely'
import type { OrganizationKind } from '../../model/organizations.ts'
import type { AccountWord } from '../../model/user-lists.ts'
import type { Tx } from '../port.ts'

/** What a row of a list shows in addition to the user. */
export interface UserRowExtras {
  readonly organization: { readonly id: string; readonly name: string; readonly kind: OrganizationKind }
  readonly account: AccountWord
}

/** Returns what rows of users show in addition: the name of the organization, and the state of the account. */
export async function selectUserExtras(
  tx: Tx,
  users: readonly { readonly pk: number; readonly organizationPk: number }[],
): Promise<Map<number, UserRowExtras>> {
  if (users.length === 0) return new Map()
  const pks = users.map(({ pk }) => pk)
  const owners = await tx.query((db) =>
    db
      .selectFrom('organizations')
      .select(['pk', 'id', 'name', 'kind'])
      .where('pk', 'in', [...new Set(users.map(({ organizationPk }) => organizationPk))]),
  )
  const accounts = await tx.query((db) =>
    db
      .selectFrom('accounts')
      .select(['user_pk', 'wanted', 'active', 'parked_at', 'last_error'])
      .select(sql<number>`case when applied_version < desired_version then 1 else 0 end`.as('unapplied'))
      .where('user_pk', 'in', pks)
      .orderBy('wanted'),
  )
  const byOwner = new Map(owners.map(({ pk, id, name, kind }) => [pk, { id, name, kind }]))
  const words = new Map(accounts.map((row) => [row.user_pk, toWord(row)]))
  return new Map(
    users.flatMap(({ pk, organizationPk }) => {
      const organization = byOwner.get(organizationPk)
      return organization ? [[pk, { organization, account: words.get(pk) ?? 'none' }] as const] : []
    }),
  )
}

function toWord(row: {
  readonly wanted: number
  readonly active: number
  readonly parked_at: string | null
  readonly last_error: string | null
  readonly unapplied: number
}): AccountWord {
  if (row.unapplied === 1) {
    if (row.parked_at !== null) return 'parked'
    return row.last_error === null ? 'waiting' : 'failing'
  }
  if (row.wanted === 0) return 'none'
  return row.active === 1 ? 'applied' : 'suspended'
}
