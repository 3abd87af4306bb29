import { sql } from 'kysely'
import type { Account } from '../../model/accounts.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { type AccountRow, selectAccounts, toAccount, WANTED } from './accounts.ts'
import { selectMatching as selectMatchingAccounts } from './queries.ts'
import { selectTotal, type TotalsKey } from './totals.ts'

/** A credential as it is kept: its secret sealed. */
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

/** @throws {ConstraintError} when the access key is taken */
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
    .where('wanted', '=', WANTED)
    .orderBy('pk')
    .limit(p.limit),
)

/** The credentials that an account shall have, oldest first. */
export async function selectCredentials(
  tx: Tx,
  account: number,
  { limit }: { limit: number },
): Promise<SealedCredential[]> {
  return (await tx.all(selectOfAccount, { account, limit })).map(toSealed)
}

const selectAfter = statement((db, p: { after: number; limit: number }) =>
  db
    .selectFrom('credentials')
    .select(['pk', 'access_key as accessKey', 'sealed_secret as sealedSecret'])
    .where('pk', '>', p.after)
    .orderBy('pk')
    .limit(p.limit),
)

/** The credentials of all accounts whose keys follow one, in the order of their keys. */
export async function selectCredentialsAfter(
  tx: Tx,
  after: number,
  limit: number,
): Promise<{ pk: number; accessKey: string; sealedSecret: string }[]> {
  return tx.all(selectAfter, { after, limit })
}

const countOfAccount = statement((db, p: { account: number }) =>
  db
    .selectFrom('credentials')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('account_pk', '=', p.account)
    .where('wanted', '=', WANTED),
)

export async function countCredentials(tx: Tx, account: number): Promise<number> {
  return Number((await tx.get(countOfAccount, { account }))?.total ?? 0)
}

/** A credential as it is kept, with whose it is. */
export interface OwnedSealedCredential extends SealedCredential {
  readonly pk: number
  readonly account: Account
  /** Whether it exists; one that was deleted is kept until its platform has forgotten it. */
  readonly wanted: boolean
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
    wanted: row.credential_wanted === 1,
    createdAt: row.credential_created_at,
    account: toAccount(row),
  }
}

const selectByAccessKey = statement((db, p: { provider: number; accessKey: string }) =>
  selectOwned(db)
    .where('credentials.access_key', '=', p.accessKey)
    .where('credentials.provider_pk', '=', p.provider),
)

/** The credential of the provider with this access key, or what is left of one whose deletion is not finished. */
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

export async function updateCredentialActive(tx: Tx, pk: number, active: boolean): Promise<void> {
  await tx.run(setActive, { pk, active: active ? 1 : 0 })
}

const markDeleted = statement((db, p: { pk: number }) =>
  db.updateTable('credentials').set({ wanted: 0 }).where('pk', '=', p.pk),
)

/** Deletes a credential. The row stays until the platform has forgotten the key; nobody sees it. */
export async function markCredentialDeleted(tx: Tx, pk: number): Promise<void> {
  await tx.run(markDeleted, { pk })
}

/** What credentials have to be like; what is left out may be anything. */
export interface CredentialCriteria extends TotalsKey {
  /** The keys of the accounts that may own it; nothing else about the owner is compared then. */
  readonly accounts?: readonly number[]
  readonly accessKey?: string
  readonly orgUserId?: string
}

/** The credentials that match, as their keys alone, so that counting and paging need no more than an index. */
function selectMatching(db: QueryBuilder, criteria: CredentialCriteria) {
  const { provider, tenant, accounts, accessKey, orgId, orgUserId, active } = criteria
  let query = db.selectFrom('credentials').where('credentials.wanted', '=', WANTED)
  if (active !== undefined) query = query.where('credentials.active', '=', active ? 1 : 0)
  if (accessKey !== undefined) query = query.where('credentials.access_key', '=', accessKey)
  // Few accounts are left then, and their credentials are found by them alone.
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

/** One page of the credentials that match, oldest first, with the exact number of all of them. */
export async function selectCredentialPage(
  tx: Tx,
  criteria: CredentialCriteria,
  page: PageRequest,
): Promise<Page<OwnedSealedCredential>> {
  const total =
    (await selectTotal(tx, 'credential_totals', criteria)) ??
    (await countMatching(tx, (db) => selectMatching(db, criteria)))
  const walk = planPage(page, total)
  if (!walk) return { items: [], total }
  const rows = await tx.query((db) =>
    selectOwned(db)
      .where(
        'credentials.pk',
        'in',
        selectMatching(db, criteria)
          .select('credentials.pk')
          .orderBy('credentials.pk', walk.direction)
          .limit(walk.limit)
          .offset(walk.offset),
      )
      // Cloud Director takes the oldest for itself.
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
