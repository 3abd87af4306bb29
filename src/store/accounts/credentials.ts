import { sql } from 'kysely'
import type { Account } from '../../model/accounts.ts'
import { type Condition, hasEquality, listConjuncts, type Test } from '../../model/conditions.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { compileCondition, type FieldTable } from '../conditions.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { type AccountRow, isOfLiveCustomer, selectAccounts, toAccount, YES } from './accounts.ts'
import { findHidden, selectMatching as selectMatchingAccounts } from './queries.ts'
import { selectTotal } from './totals.ts'

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
    .where('credentials.provider_pk', '=', p.provider)
    .where(isOfLiveCustomer),
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

/** What conditions on credentials may compare. */
export interface CredentialFields {
  /** Primary keys. */
  readonly account: number
  readonly tenant: number
  readonly orgId: string
  readonly orgUserId: string
  readonly accessKey: string
  readonly active: boolean
}

/**
 * Which credentials of a provider a query is for. A condition on `account` leaves out the other fields of the owner.
 */
export interface CredentialCriteria {
  /** The primary key of the provider. */
  readonly provider: number
  readonly where: Condition<CredentialFields>
  /** As of accounts. */
  readonly hidden?: readonly number[]
}

/**
 * Starts a query for the matching credentials without their other columns, so that counting and paging read only an
 * index; the caller selects `pk`.
 */
function selectMatching(db: QueryBuilder, { provider, where, hidden = [] }: CredentialCriteria) {
  const query = db
    .selectFrom('credentials')
    .where('credentials.wanted', '=', YES)
    .$if(hidden.length > 0, (some) => some.where('credentials.tenant_pk', 'not in', [...hidden]))
  const conditions = listConjuncts(where)
  // These are few accounts, and an index finds their credentials. To compare more would prevent its use.
  if (conditions.some((one) => 'field' in one && one.field === 'account'))
    return query.where(compileCondition(db, FIELDS, where))
  if (hasEquality(where, 'orgUserId')) return selectOfOwners(db, { provider, where, hidden })
  const within = hasEquality(where, 'tenant') ? query : query.where('credentials.provider_pk', '=', provider)
  return within.where(compileCondition(db, FIELDS, where))
}

/** What is said of the owners is compared with the accounts: a Cloud Director user has few. */
function selectOfOwners(db: QueryBuilder, { provider, where, hidden = [] }: CredentialCriteria) {
  const conditions = listConjuncts(where)
  const ofOwner = conditions.filter(isAboutOwner)
  const owners = selectMatchingAccounts(db, { provider, where: { all: ofOwner }, hidden }).select(
    'accounts.pk',
  )
  const own = { all: conditions.filter((one) => !isAboutOwner(one)) }
  return db
    .selectFrom('credentials')
    .where('credentials.wanted', '=', YES)
    .where('credentials.account_pk', 'in', owners)
    .where(compileCondition(db, FIELDS, own))
}

function isAboutOwner(
  condition: Condition<CredentialFields>,
): condition is Test<Pick<CredentialFields, 'tenant' | 'orgId' | 'orgUserId'>> {
  return 'field' in condition && ['tenant', 'orgId', 'orgUserId'].includes(condition.field)
}

const FIELDS: FieldTable<CredentialFields> = {
  pk: 'credentials.pk',
  fields: {
    account: { column: 'credentials.account_pk' },
    tenant: { column: 'credentials.tenant_pk' },
    orgId: { column: 'credentials.org_id' },
    orgUserId: {
      test: (ids) =>
        sql`credentials.account_pk in (select pk from accounts where org_user_id in (${sql.join(ids)}))`,
    },
    accessKey: { column: 'credentials.access_key' },
    active: { column: 'credentials.active' },
  },
}

/** Returns a page of the matching credentials, oldest first, and the exact number of all that match. */
export async function selectCredentialPage(
  tx: Tx,
  wanted: Omit<CredentialCriteria, 'hidden'>,
  page: PageRequest,
): Promise<Page<OwnedSealedCredential>> {
  const criteria = { ...wanted, hidden: await findHidden(tx, wanted) }
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
