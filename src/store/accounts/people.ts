import { sql } from 'kysely'
import type { AccountPlace, AccountRole } from '../../model/accounts.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { insertAccount, NO, YES } from './accounts.ts'
import { bumpVersion } from './changes.ts'
import { insertContents } from './contents.ts'
import { toActive } from './status.ts'

// Accounts that people have without Cloud Director. They have no org: `org_id` is empty. The id of the user stands in
// for the names that Cloud Director would give: the platform then learns no personal data.

/** The org id of an account that Cloud Director does not know. */
const NO_ORG = ''

/** The account that a person has, or once had, on a platform. */
export interface FormerAccount {
  readonly pk: number
  readonly tenantPk: number
  /** Whether Cloud Director knows the account. */
  readonly isNamed: boolean
  readonly enabled: boolean
  /** False if the account was removed. */
  readonly exists: boolean
  /** Whether a removal with data runs: it cannot be taken back. */
  readonly isBeingPurged: boolean
}

const selectOfPerson = statement((db, p: { user: number; platform: string }) =>
  db
    .selectFrom('accounts')
    .select(['pk', 'tenant_pk', 'org_id', 'enabled', 'wanted', 'purge', 'desired_version', 'applied_version'])
    .where('user_pk', '=', p.user)
    .where('platform', '=', p.platform),
)

/** Returns the account that a person has, or once had, on a platform. */
export async function selectAccountOfPerson(
  tx: Tx,
  user: number,
  platform: string,
): Promise<FormerAccount | undefined> {
  const row = await tx.get(selectOfPerson, { user, platform })
  if (!row) return undefined
  const exists = row.wanted === 1
  return {
    pk: row.pk,
    tenantPk: row.tenant_pk,
    isNamed: row.org_id !== NO_ORG,
    enabled: row.enabled === 1,
    exists,
    isBeingPurged: !exists && row.purge === 1 && row.applied_version < row.desired_version,
  }
}

/** The user of a new account, and its place. */
interface PersonPlace {
  readonly user: { readonly pk: number; readonly id: string }
  readonly place: AccountPlace
  readonly now: string
}

/**
 * Inserts the account of a person who never had one on the platform.
 * @returns its primary key
 * @throws {ConstraintError} when the person has got an account meanwhile
 */
export function insertAccountOfPerson(tx: Tx, { user, place, now }: PersonPlace): Promise<number> {
  const { tenantPk: tenant, platform } = place
  return insertAccount(tx, {
    tenant,
    user: user.pk,
    madeUser: false,
    platform,
    canonicalUserId: toCanonicalId(place, user),
    orgId: NO_ORG,
    orgUserId: user.id,
    username: user.id,
    email: null,
    role: 'TENANT_USER',
    enabled: true,
    now,
  })
}

function toCanonicalId({ tenantId, ownerForm }: AccountPlace, user: PersonPlace['user']): string {
  return ownerForm.toCanonicalId({ tenantId, userId: user.id })
}

const renew = statement(
  (db, p: { pk: number; tenant: number; canonicalId: string; userId: string; now: string }) =>
    db
      .updateTable('accounts')
      .set((eb) => ({
        ...bumpVersion(eb, p.now),
        tenant_pk: p.tenant,
        canonical_user_id: p.canonicalId,
        org_id: sql.lit(NO_ORG),
        org_user_id: p.userId,
        username: p.userId,
        email: null,
        role: 'TENANT_USER',
        made_user: 0,
        wanted: 1,
        purge: 0,
        enabled: 1,
        active: toActive(db, { enabled: 1 }),
        // The platform is not known to have anything of it.
        applied_version: 0,
      }))
      .where('pk', '=', p.pk)
      .where('wanted', '=', NO),
)

const dropCredentials = statement((db, p: { account: number; tenant: number; orgId: string }) =>
  db
    .updateTable('credentials')
    .set({ wanted: 0, tenant_pk: p.tenant, org_id: p.orgId })
    .where('account_pk', '=', p.account),
)

/**
 * Gives a person their removed account again, enabled and without keys: a person has one row on a platform. A removal
 * that runs is taken back. It must not be one with data; see `isBeingPurged`.
 */
export async function updateRenewedAccount(tx: Tx, pk: number, person: PersonPlace): Promise<void> {
  const { user, place, now } = person
  const { tenantPk: tenant } = place
  await tx.run(renew, { pk, tenant, canonicalId: toCanonicalId(place, user), userId: user.id, now })
  await tx.run(dropCredentials, { account: pk, tenant, orgId: NO_ORG })
  await insertContents(tx, [pk], { readAt: now, dueAt: now })
}

const enable = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...bumpVersion(eb, p.now), enabled: 1, active: toActive(db, { enabled: 1 }) }))
    .where('pk', '=', p.pk),
)

const dropAll = statement((db, p: { account: number }) =>
  db.updateTable('credentials').set({ wanted: 0 }).where('account_pk', '=', p.account),
)

/** Enables an account that kept its data while its person was deleted. Its former keys do not work again. */
export async function updateKeptAccount(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(enable, { pk, now })
  await tx.run(dropAll, { account: pk })
}

const link = statement(
  (
    db,
    p: {
      pk: number
      orgId: string
      orgUserId: string
      username: string
      email: string | null
      role: string
      enabled: number
      now: string
    },
  ) =>
    db
      .updateTable('accounts')
      .set((eb) => ({
        ...bumpVersion(eb, p.now),
        org_id: p.orgId,
        org_user_id: p.orgUserId,
        username: p.username,
        email: p.email,
        role: p.role,
        enabled: p.enabled,
        active: toActive(db, { enabled: p.enabled }),
      }))
      .where('pk', '=', p.pk),
)

const setOrg = statement((db, p: { account: number; orgId: string }) =>
  db.updateTable('credentials').set({ org_id: p.orgId }).where('account_pk', '=', p.account),
)

/**
 * Gives the account of a person the names that Cloud Director has for it. Its data and its keys stay.
 * @throws {ConstraintError} when the Cloud Director user has got an account meanwhile
 */
export async function updateLinkedAccount(
  tx: Tx,
  pk: number,
  named: {
    readonly orgId: string
    readonly orgUserId: string
    readonly username: string
    readonly email: string | null
    readonly role: AccountRole
    readonly enabled: boolean
    readonly now: string
  },
): Promise<void> {
  await tx.run(link, { ...named, pk, enabled: named.enabled ? 1 : 0 })
  await tx.run(setOrg, { account: pk, orgId: named.orgId })
}

const countWorking = statement((db, p: { account: number }) =>
  db
    .selectFrom('credentials')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('account_pk', '=', p.account)
    .where('wanted', '=', YES)
    .where('active', '=', YES),
)

/** Returns whether an account has a key that is not disabled. */
export async function hasEnabledCredential(tx: Tx, account: number): Promise<boolean> {
  return Number((await tx.get(countWorking, { account }))?.total ?? 0) > 0
}

/** A person without an account, and where the search for the next ones begins. */
export interface PersonWithoutAccount {
  readonly pk: number
  readonly id: string
  readonly nameKey: string
}

const selectSomePeople = statement(
  (db, p: { organization: number; platform: string; key: string; id: string; limit: number }) =>
    db
      .selectFrom('users')
      .leftJoin('accounts', (join) =>
        join
          .onRef('accounts.user_pk', '=', 'users.pk')
          .on('accounts.platform', '=', p.platform)
          .on('accounts.wanted', '=', YES),
      )
      .select(['users.pk', 'users.id', 'users.name_key as nameKey', 'accounts.pk as account'])
      .where('users.organization_pk', '=', p.organization)
      .where('users.deleted_at', 'is', null)
      .where((eb) =>
        eb(eb.refTuple('users.name_key', 'users.id'), '>', eb.tuple(eb.val(p.key), eb.val(p.id))),
      )
      .orderBy('users.name_key')
      .orderBy('users.id')
      .limit(p.limit),
)

/**
 * Looks at some people of an organization, and returns those without an account on a platform.
 * @param page.after the last person of the page before
 * @returns also the last person looked at; undefined after the last page
 */
export async function selectPeopleWithoutAccount(
  tx: Tx,
  organization: number,
  page: { platform: string; after?: Pick<PersonWithoutAccount, 'id' | 'nameKey'> | undefined; limit: number },
): Promise<{ people: PersonWithoutAccount[]; last: PersonWithoutAccount | undefined }> {
  const { platform, after, limit } = page
  const rows = await tx.all(selectSomePeople, {
    organization,
    platform,
    key: after?.nameKey ?? '',
    id: after?.id ?? '',
    limit,
  })
  const people = rows.filter((row) => row.account === null)
  return { people, last: rows.length < limit ? undefined : rows.at(-1) }
}
