import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { takeLock } from '../tables/locks.ts'
import { YES } from './accounts.ts'
import { bumpVersion } from './changes.ts'
import { toActive } from './status.ts'

const lockAccounts = statement((db, p: { user: number }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ enabled: eb.ref('enabled') }))
    .where('user_pk', '=', p.user),
)

const followOfUser = statement((db, p: { user: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...bumpVersion(eb, p.now), active: toActive(db) }))
    .where('user_pk', '=', p.user)
    .where('wanted', '=', YES)
    .where((eb) => eb('active', '<>', toActive(db))),
)

/**
 * Makes the accounts of a user follow a change of the user's status, in the unit that changes it. It locks them first:
 * if another unit has enabled or restored one meanwhile, this unit runs again and sees it.
 * @returns the number of accounts that changed; the reconciler applies them
 */
export async function followUser(tx: Tx, user: number, now: string): Promise<number> {
  await tx.run(lockAccounts, { user })
  return tx.run(followOfUser, { user, now })
}

/** Where `followOrganization` continues. */
export interface FollowCursor {
  /** The primary keys of a tenant, and of the last account of it that was looked at. */
  readonly tenant: number
  readonly after: number
}

const selectTenants = statement((db, p: { organization: number; from: number }) =>
  db
    .selectFrom('tenants')
    .select('pk')
    .where('organization_pk', '=', p.organization)
    .where('pk', '>=', p.from)
    .orderBy('pk'),
)

const selectSome = statement((db, p: FollowCursor & { limit: number }) =>
  db
    .selectFrom('accounts')
    .select('pk')
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', YES)
    .where('pk', '>', p.after)
    .orderBy('pk')
    .limit(p.limit),
)

const followSome = statement((db, p: FollowCursor & { last: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...bumpVersion(eb, p.now), active: toActive(db) }))
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', YES)
    .where('pk', '>', p.after)
    .where('pk', '<=', p.last)
    .where((eb) => eb('active', '<>', toActive(db))),
)

/**
 * Makes some accounts of an organization follow a change of the organization's status. The unit that changes the status
 * makes the first call; units of a job continue until the cursor is null. Units at the same time run one after the
 * other, so that each sees the newest status. An account that is created or changed meanwhile follows when it is
 * applied; see `settleApplied` in leases.ts.
 * @param from the cursor of the call before; undefined for the first call
 * @param page.limit the most accounts to look at, at least 1: about 15 microseconds each on SQLite
 * @returns the number of accounts that changed, and the cursor of the next call; null after the last one
 */
export async function followOrganization(
  tx: Tx,
  organization: number,
  page: { readonly from?: FollowCursor | undefined; readonly limit: number; readonly now: string },
): Promise<{ changed: number; next: FollowCursor | null }> {
  const { from, limit, now } = page
  // Not the row of the organization: each step of a job would make imports into it run again.
  await takeLock(tx, `accounts of ${organization}`, now)
  const tenants = await tx.all(selectTenants, { organization, from: from?.tenant ?? 0 })
  let [changed, looked] = [0, 0]
  for (const { pk: tenant } of tenants) {
    const after = tenant === from?.tenant ? from.after : 0
    const some = await tx.all(selectSome, { tenant, after, limit: limit - looked })
    const last = some.at(-1)?.pk
    if (last === undefined) continue
    changed += await tx.run(followSome, { tenant, after, last, now })
    looked += some.length
    if (looked === limit) return { changed, next: { tenant, after: last } }
  }
  return { changed, next: null }
}
