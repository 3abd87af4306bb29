import type { Context } from '../model/clients.ts'
import { assertValid, DirectoryError } from '../model/error.ts'
import { newAccessKey, newId, newSecretKey } from '../model/ids.ts'
import {
  type Account,
  type Credential,
  canonicalUserId,
  checkNewAccount,
  type NewAccount,
  type Tenant,
} from '../model/tenants.ts'
import {
  findAccount,
  findAccountByPk,
  findAccountOfOrgUser,
  hasAccount,
  insertAccount,
} from '../store/accounts.ts'
import {
  countCredentials,
  insertCredential,
  listCredentials as selectCredentials,
} from '../store/credentials.ts'
import { findUserByEmail, insertUser, touchUser } from '../store/users.ts'
import { assertPermitted } from './access.ts'
import type { Directory } from './directory.ts'
import { credentialIdentity } from './sealer.ts'
import { getReachableTenant } from './tenants.ts'
import { attempt, read, type Unit } from './unit.ts'

/**
 * Gives a Cloud Director user an account in a tenant, with exactly one credential. The same create again gets
 * the account that exists, unchanged. A user of the customer who has the same e-mail and no account yet is
 * given this one: one person, one record.
 *
 * The account is wanted from now on; whoever needs it on the platform settles it.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `tenant_not_found`, `store_unavailable`
 */
export function createAccount(
  dir: Directory,
  ctx: Context,
  request: { tenantId: string; account: NewAccount },
): Promise<Account> {
  const { tenantId, account } = request
  return attempt(dir, ctx, { operation: 'CreateAccount', target: tenantId }, async (unit) => {
    assertPermitted(ctx, 'CreateAccount')
    assertValid(checkNewAccount(account))
    const tenant = await getReachableTenant(unit.tx, ctx, tenantId)
    const organization = tenant.organizationId
    const orgUser = { orgId: account.orgId, id: account.orgUserId }
    const existing = await findAccountOfOrgUser(unit.tx, tenant.pk, orgUser)
    if (existing) {
      await unit.audit({ outcome: 'repeated', organization, target: existing.userId })
      return existing
    }
    const owner = (await findOwner(unit, tenant, account)) ?? (await createOwner(unit, tenant, account))
    const pk = await openAccount(dir, unit, { tenant, owner, account })
    if (owner.linked) {
      await unit.audit({ operation: 'LinkAccount', outcome: 'linked', organization, target: owner.id })
    } else {
      await unit.audit({
        outcome: 'created',
        organization,
        target: owner.id,
        changedFields: contentOf(account),
      })
    }
    return (await findAccountByPk(unit.tx, pk)) as Account
  })
}

interface Owner {
  readonly pk: number
  readonly id: string
  readonly linked: boolean
}

/** The user of the customer whose account this is, judging by the e-mail. */
async function findOwner(unit: Unit, tenant: Tenant, { email }: NewAccount): Promise<Owner | undefined> {
  const { tx, now } = unit
  const user = email === null ? undefined : await findUserByEmail(tx, tenant.organizationPk, email)
  if (!user || (await hasAccount(tx, user.pk, tenant.platform))) return undefined
  // A change of the user, so that one who is deleted at this moment is not given an account behind the deletion's back.
  await touchUser(tx, user.pk, now)
  return { pk: user.pk, id: user.id, linked: true }
}

/** A new user. An e-mail that another user of the customer holds stays on the account alone: orgs may share it, users not. */
async function createOwner(unit: Unit, tenant: Tenant, account: NewAccount): Promise<Owner> {
  const user = {
    id: newId(),
    organizationPk: tenant.organizationPk,
    resellerPk: null,
    firstName: null,
    lastName: null,
    now: unit.now,
  }
  const pk =
    (await insertUser(unit.tx, { ...user, email: account.email })) ??
    (await insertUser(unit.tx, { ...user, email: null }))
  return { pk: pk as number, id: user.id, linked: false }
}

async function openAccount(
  dir: Directory,
  unit: Unit,
  { tenant, owner, account }: { tenant: Tenant; owner: Owner; account: NewAccount },
): Promise<number> {
  const pk = await insertAccount(unit.tx, {
    tenant: tenant.pk,
    user: owner.pk,
    platform: tenant.platform,
    canonicalUserId: canonicalUserId(tenant.id, owner.id),
    orgId: account.orgId,
    orgUserId: account.orgUserId,
    // The wire wants a name in every answer; a nameless user is known by its id.
    username: account.username ?? account.orgUserId,
    email: account.email,
    role: account.role,
    active: account.active,
    now: unit.now,
  })
  const accessKey = newAccessKey()
  const sealedSecret = dir.sealer.seal(newSecretKey(), credentialIdentity(accessKey))
  await insertCredential(unit.tx, { account: pk, accessKey, sealedSecret, now: unit.now })
  return pk
}

function contentOf(account: NewAccount): string[] {
  const fields = ['cd_tenant_id', 'cd_user_id', 'role', 'active']
  if (account.username !== null) fields.push('username')
  if (account.email !== null) fields.push('email')
  return fields
}

/** @throws {DirectoryError} `user_not_found`, also for a user of another provider's tenant */
export function getAccount(
  dir: Directory,
  ctx: Context,
  ids: { tenantId: string; userId: string },
): Promise<Account> {
  return read(dir, async (tx) => {
    const account = await findAccount(tx, ctx.organization.pk, ids)
    if (account) return account
    throw new DirectoryError(
      'user_not_found',
      `There is no user with the id ${ids.userId} in the tenant ${ids.tenantId}.`,
    )
  })
}

/** One page of an account's credentials, oldest first, with the exact number of all of them; empty for an unknown user. */
export function listCredentials(
  dir: Directory,
  ctx: Context,
  request: { tenantId: string; userId: string; offset: number; limit: number },
): Promise<{ account: Account | undefined; credentials: Credential[]; total: number }> {
  return read(dir, async (tx) => {
    const account = await findAccount(tx, ctx.organization.pk, request)
    if (!account) return { account, credentials: [], total: 0 }
    const rows = await selectCredentials(tx, account.pk, request)
    const total = await countCredentials(tx, account.pk)
    return { account, credentials: rows.map((row) => openCredential(dir, row)), total }
  })
}

/** What a credential whose secret cannot be opened shows instead: one damaged secret does not break a list. */
const LOST_SECRET = 'Not Available'

/** A credential with its secret in the clear. */
export function openCredential(
  dir: Pick<Directory, 'sealer'>,
  sealed: { accessKey: string; sealedSecret: string; active: boolean; createdAt: string },
): Credential {
  const { accessKey, sealedSecret, active, createdAt } = sealed
  let secretKey: string
  try {
    secretKey = dir.sealer.open(sealedSecret, credentialIdentity(accessKey))
  } catch {
    secretKey = LOST_SECRET
  }
  return { accessKey, secretKey, active, createdAt }
}
