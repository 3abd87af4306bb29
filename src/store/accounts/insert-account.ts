import type { AccountRole } from '../../model/accounts.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { toActive } from './status.ts'

interface InsertParams {
  readonly tenant: number
  readonly user: number
  readonly madeUser: number
  readonly platform: string
  readonly canonicalUserId: string
  readonly orgId: string
  readonly orgUserId: string
  readonly username: string
  readonly email: string | null
  readonly role: string
  readonly enabled: number
  readonly attempts: number
  readonly until: string | null
  readonly by: string | null
  readonly now: string
}

const insert = statement((db, p: InsertParams) =>
  db.insertInto('accounts').values({
    provider_pk: db.selectFrom('tenants').select('provider_pk').where('pk', '=', p.tenant),
    tenant_pk: p.tenant,
    user_pk: p.user,
    made_user: p.madeUser,
    platform: p.platform,
    canonical_user_id: p.canonicalUserId,
    org_id: p.orgId,
    org_user_id: p.orgUserId,
    username: p.username,
    email: p.email,
    role: p.role,
    enabled: p.enabled,
    active: toActive(db, p),
    wanted: 1,
    desired_version: 1,
    applied_version: 0,
    attempts: p.attempts,
    leased_until: p.until,
    leased_by: p.by,
    desired_at: p.now,
    due_at: p.now,
    created_at: p.now,
  }),
)

/**
 * Inserts an account and returns its primary key.
 * @throws {ConstraintError} when the Cloud Director user has an account in the tenant, or the user has one on the
 *   platform
 */
export async function insertAccount(
  tx: Tx,
  account: {
    tenant: number
    user: number
    /** Whether the user was created for the account, and is deleted with it. */
    madeUser: boolean
    platform: string
    canonicalUserId: string
    orgId: string
    orgUserId: string
    username: string
    email: string | null
    role: AccountRole
    /** The account's own status. */
    enabled: boolean
    /** Claims the account for its first attempt, as `claimAccount` does. */
    lease?: { readonly until: string; readonly by: string } | undefined
    now: string
  },
): Promise<number> {
  const { lease, ...values } = account
  const flags = { enabled: account.enabled ? 1 : 0, madeUser: account.madeUser ? 1 : 0 }
  const claimed = { attempts: lease ? 1 : 0, until: lease?.until ?? null, by: lease?.by ?? null }
  return (await tx.insert(insert, { ...values, ...flags, ...claimed })) as number
}
