import { sql } from 'kysely'
import type { Account } from '../../model/accounts.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { type AccountRow, selectAccounts, toAccount, YES } from './accounts.ts'
import { selectMatching as selectMatchingAccounts } from './queries.ts'
import { selectTotal, type TotalsKey } from './totals.ts'

/** A stored credential, with its secret key encrypted. */
export interface SealedCredential {
  readonly accessKey: string
  readonly sealedSecret: string
  readonly active: boolean
  readonly createdAt: string
}

const insert = statement((db, p: { account: number; accessKey: string; sealedSecret: string; now: string }) =>
  db
    .insertInto('credentials')
    .columns([
      'account_pk',
      'provider_pk',
      'tenant_pk',
      'org_id',
      'access_key',
      'sealed_secret',
      'active',
      'created_at',
    ])
    .expression((eb) =>
      eb
        .selectFrom('accounts')
        .select([
          'pk',
          'provider_pk',
          'tenant_pk',
          'org_id',
          eb.val(p.accessKey).as('access_key'),
          eb.val(p.sealedSecret).as('sealed_secret'),
          sql.lit(1).as('active'),
          eb.val(p.now).as('created_at'),
        ])
        .where('pk', '=', p.account),
    ),
)

/**
 * Inserts a credential of an account.
 * @throws {ConstraintError} when the access key is taken
 */
export async function insertCredential(
  tx: Tx,
  credential: { account: number; accessKey: string; sealedSecret: string; now: string },
): Promise<void> {
  await tx.run(insert, credential)
}

const selectOfAccount = statement((db, p: { account: number; limit: number }) =>
  db
    .selectFrom('credentials')
    .select(['access_key', 'sealed_secret', 'active', 'created_at'])
    .where('account_pk', '=', p.account)
    .where('wanted', '=', YES)
    .orderBy('pk')
    .limit(p.limit),
)

/** Returns the credentials of an account, oldest first, without removed credentials. */
export async function selectCredentials(
  tx: Tx,
  account: number,
  { limit }: { limit: number },
): Promise<SealedCredential[]> {
  return (await tx.all(selectOfAccount, { account, limit })).map(toSealed)
}

const countOfAccount = statement((db, p: { account: number }) =>
  db
    .selectFrom('credentials')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('account_pk', '=', p.account)
    .where('wanted', '=', YES),
)

/** Counts the credentials of an account, without removed credentials. */
export async function countCredentials(tx: Tx, account: number): Promise<number> {
  return Number((await tx.get(countOfAccount, { account }))?.total ?? 0)
}

/** A stored credential with its account. */
export interface OwnedSealedCredential extends SealedCredential {
  readonly pk: number
  readonly account: Account
  /** False if the credential was deleted; its row stays until the platform no longer has it. */
  readonly exists: boolean
}

const OWNED_COLUMNS = [
  'credentials.pk as credential_pk',
  'credentials.access_key',
  'credentials.sealed_secret',
  'credentials.active as credential_active',
  'credentials.wanted as credential_wanted',
  'credentials.created_at as credential_created_at',
] as const

function selectOwned(db: QueryBuilder) {
  return selectAccounts(db)
    .innerJoin('credentials', 'credentials.account_pk', 'accounts.pk')
    .select(OWNED_COLUMNS)
}

interface OwnedRow extends AccountRow {
  credential_pk: number
  access_key: string
  sealed_secret: string
  credential_active: number
  credential_wanted: number
  credential_created_at: string
}

function toOwned(row: OwnedRow): OwnedSealedCredential {
  return {
    pk: row.credential_pk,
    accessKey: row.access_key,
    sealedSecret: row.sealed_secret,
    active: row.credential_active === 1,
    exists: row.credential_wanted === 1,
    createdAt: row.credential_created_at,
    account: toAccount(row),
  }
}

const selectByAccessKey = statement((db, p: { provider: number; accessKey: string }) =>
  selectOwned(db)
    .where('credentials.access_key', '=', p.accessKey)
    .where('credentials.provider_pk', '=', p.provider),
)

/** Returns the provider's credential with this access key; `exists` is false if it was deleted. */
export async function selectCredential(
  tx: Tx,
  provider: number,
  accessKey: string,
): Promise<OwnedSealedCredential | undefined> {
  const row = await tx.get(selectByAccessKey, { provider, accessKey })
  return row && toOwned(row)
}

const setActive = statement((db, p: { pk: number; active: number }) =>
  db.updateTable('credentials').set({ active: p.active }).where('pk', '=', p.pk),
)

/** Activates or suspends a credential. */
export async function updateCredentialActive(tx: Tx, pk: number, active: boolean): Promise<void> {
  await tx.run(setActive, { pk, active: active ? 1 : 0 })
}

const markDeleted = statement((db, p: { pk: number }) =>
  db.updateTable('credentials').set({ wanted: 0 }).where('pk', '=', p.pk),
)

/** Marks a credential as deleted. The row stays until the platform no longer has it. */
export async function markCredentialDeleted(tx: Tx, pk: number): Promise<void> {
  await tx.run(markDeleted, { pk })
}

/** What credentials must match; members that are left out match anything. */
export interface CredentialCriteria extends TotalsKey {
  /**
   * Primary keys of accounts. If given, the owner must be one of them, and no other member about the owner is compared.
   */
  readonly accounts?: readonly number[]
  readonly accessKey?: string
  readonly orgUserId?: string
}

/**
 * Starts a query for the matching credentials without their other columns, so that counting and paging read only an
 * index; the caller selects `pk`.
 */
function selectMatching(db: QueryBuilder, criteria: CredentialCriteria) {
  const { provider, tenant, accounts, accessKey, orgId, orgUserId, active } = criteria
  let query = db.selectFrom('credentials').where('credentials.wanted', '=', YES)
  if (active !== undefined) query = query.where('credentials.active', '=', active ? 1 : 0)
  if (accessKey !== undefined) query = query.where('credentials.access_key', '=', accessKey)
  // These are few accounts, and an index finds their credentials.
  if (accounts !== undefined) return query.where('credentials.account_pk', 'in', accounts)
  if (orgUserId !== undefined) {
    const owner = {
      provider,
      ...(tenant !== undefined && { tenant }),
      ...(orgId !== undefined && { orgId }),
      orgUserId,
    }
    return query.where(
      'credentials.account_pk',
      'in',
      selectMatchingAccounts(db, owner).select('accounts.pk'),
    )
  }
  query =
    tenant === undefined
      ? query.where('credentials.provider_pk', '=', provider)
      : query.where('credentials.tenant_pk', '=', tenant)
  return orgId === undefined ? query : query.where('credentials.org_id', '=', orgId)
}

/** Returns a page of the matching credentials, oldest first, and the exact number of all that match. */
export async function selectCredentialPage(
  tx: Tx,
  criteria: CredentialCriteria,
  page: PageRequest,
): Promise<Page<OwnedSealedCredential>> {
  const total =
    (await selectTotal(tx, 'credential_totals', criteria)) ??
    (await countMatching(tx, (db) => selectMatching(db, criteria)))
  const plan = planPage(page, total)
  if (!plan) return { items: [], total }
  const rows = await tx.query((db) =>
    selectOwned(db)
      .where(
        'credentials.pk',
        'in',
        selectMatching(db, criteria)
          .select('credentials.pk')
          .orderBy('credentials.pk', plan.direction)
          .limit(plan.limit)
          .offset(plan.offset),
      )
      // The order matters: Cloud Director uses the oldest credential for itself.
      .orderBy('credentials.pk'),
  )
  return { items: rows.map(toOwned), total }
}

function toSealed(row: {
  access_key: string
  sealed_secret: string
  active: number
  created_at: string
}): SealedCredential {
  return {
    accessKey: row.access_key,
    sealedSecret: row.sealed_secret,
    active: row.active === 1,
    createdAt: row.created_at,
  }
}
