import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Condition } from '../../model/conditions.ts'
import type { AccountWord, UserOrder } from '../../model/user-lists.ts'
import { compileCondition, type FieldTable, toPattern } from '../conditions.ts'
import type { QueryBuilder, Tx, UserArea } from '../port.ts'
import { statement } from '../statement.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { selectWithCustomers } from '../tables/relations.ts'

/** What conditions on users may compare. */
export interface UserFields {
  /** The names and the e-mail, as `nameKeyOf` joins them. */
  readonly text: string
  /** The primary key of a group that the user is in. */
  readonly group: number
  /** The primary key of the user. */
  readonly pk: number
  /** The state of the user's account. */
  readonly account: AccountWord
}

/** Which users a list is about. */
export interface UserCriteria {
  readonly area: UserArea
  /** Whether the list is about deleted users; otherwise it is about the others. */
  readonly deleted: boolean
  readonly where: Condition<UserFields>
  /**
   * Primary keys of deleted organizations whose users still have to be deleted; see `selectOrganizationsBeingDeleted`.
   */
  readonly beingDeleted: readonly number[]
}

/**
 * How an engine finds the users: `order` walks all users of the provider, or of the organization, in the order of the
 * list and leaves out the others; `area` reads the users of each organization of a reseller's context; `keys` looks up
 * those whose primary keys the condition names; `email` walks the users of all providers in the order of their e-mails.
 */
export type UserPath = 'order' | 'area' | 'keys' | 'email'

const FIELDS: FieldTable<UserFields> = {
  pk: 'users.pk',
  fields: {
    text: { column: 'users.name_key' },
    group: {
      test: (groups) =>
        sql<SqlBool>`exists (select 1 from memberships
          where memberships.user_pk = users.pk and memberships.group_pk in (${sql.join(groups)}))`,
    },
    // As one text: to compile thousands of parameters takes longer than the query.
    pk: { test: (pks) => sql<SqlBool>`users.pk in (${toKeyList(pks)})` },
    account: { test: (words) => sql<SqlBool>`(${sql.join(words.map(hasAccount), sql` or `)})` },
  },
}

/** Returns the condition that a word, folded as `nameKeyOf` does, is in a user's names or e-mail. */
export function hasWord(word: string): RawBuilder<SqlBool> {
  return sql`users.name_key like ${toPattern(word)} escape '\\'`
}

/** The account that decides: a wanted one, or else one that is being removed. See `selectUserExtras`. */
const DECIDES = sql`accounts.user_pk = users.pk and not exists (
  select 1 from accounts as other where other.user_pk = users.pk and other.wanted > accounts.wanted)`
const IS_UNAPPLIED = sql`accounts.applied_version < accounts.desired_version`
const WORDS: Readonly<Record<Exclude<AccountWord, 'none'>, RawBuilder<unknown>>> = {
  parked: sql`${IS_UNAPPLIED} and accounts.parked_at is not null`,
  failing: sql`${IS_UNAPPLIED} and accounts.parked_at is null and accounts.last_error is not null`,
  waiting: sql`${IS_UNAPPLIED} and accounts.parked_at is null and accounts.last_error is null`,
  applied: sql`not (${IS_UNAPPLIED}) and accounts.wanted = 1 and accounts.active = 1`,
  suspended: sql`not (${IS_UNAPPLIED}) and accounts.wanted = 1 and accounts.active = 0`,
}

function hasAccount(word: AccountWord): RawBuilder<SqlBool> {
  if (word === 'none')
    return sql<SqlBool>`not exists (select 1 from accounts where accounts.user_pk = users.pk
      and (accounts.wanted = 1 or ${IS_UNAPPLIED}))`
  return sql<SqlBool>`exists (select 1 from accounts where ${DECIDES} and ${WORDS[word]})`
}

/** Compiles a condition on users to SQL. */
export function compileUserCondition(db: QueryBuilder, where: Condition<UserFields>): RawBuilder<SqlBool> {
  return compileCondition(db, FIELDS, where)
}

/** A literal, as in the conditions of the indexes. Lists are read after all users were taken into them. */
const IS_LISTED = sql<SqlBool>`users.listed = 1`

/** Starts a query for the matching users, without an order. */
export function selectMatching(db: QueryBuilder, criteria: UserCriteria, path: UserPath) {
  const { area, deleted, where, beingDeleted } = criteria
  return (
    db
      .selectFrom('users')
      .where('users.deleted_at', deleted ? 'is not' : 'is', null)
      .where(IS_LISTED)
      // Leads SQLite to the index of deleted users by name.
      .$if(deleted && path !== 'email', (query) => query.where('users.name_key', '>=', ''))
      .where(toAreaSql(area, path))
      .where(compileCondition(db, FIELDS, where))
      .$if(beingDeleted.length > 0, (query) =>
        query.where(sql<SqlBool>`+users.organization_pk not in (${sql.join(beingDeleted)})`),
      )
  )
}

/** Returns the condition for users that the index for searches has found, on what that index does not have. */
export function toRestSql(
  { area, beingDeleted }: Pick<UserCriteria, 'area' | 'beingDeleted'>,
  texts: readonly string[],
): RawBuilder<SqlBool> | undefined {
  const conditions = texts.map(hasWord)
  if (isNarrow(area)) conditions.push(toAreaSql(area, 'keys'))
  if (beingDeleted.length > 0)
    conditions.push(sql<SqlBool>`users.organization_pk not in (${sql.join(beingDeleted)})`)
  return conditions.length > 0 ? sql<SqlBool>`(${sql.join(conditions, sql` and `)})` : undefined
}

/** Returns whether an area is smaller than the provider. */
export function isNarrow({ organizationPk, resellerPk }: UserArea): boolean {
  return organizationPk !== undefined || resellerPk !== undefined
}

/** Returns a query for the organizations of a narrow area. */
export function selectPksOfArea({ organizationPk, resellerPk = 0 }: UserArea): RawBuilder<unknown> {
  return organizationPk === undefined
    ? selectWithCustomers(resellerPk)
    : sql`select cast(${organizationPk} as bigint) as pk`
}

/**
 * Returns the condition that a user is in an area. A plus before a column keeps engines from using its indexes. The
 * caller has checked that the organization is in the provider, and related to the reseller.
 */
function toAreaSql(
  { providerPk, organizationPk, resellerPk }: UserArea,
  path: UserPath,
): RawBuilder<SqlBool> {
  const inContext = sql<SqlBool>`(users.reseller_pk is null or users.reseller_pk = ${resellerPk})`
  if (organizationPk !== undefined) {
    const column = sql.raw(`${path === 'keys' ? '+' : ''}users.organization_pk`)
    const inOrganization = sql<SqlBool>`${column} = ${organizationPk}`
    return resellerPk === undefined ? inOrganization : sql<SqlBool>`${inOrganization} and ${inContext}`
  }
  const plus = sql.raw(path === 'keys' || path === 'email' ? '+' : '')
  const inProvider = sql<SqlBool>`${plus}users.provider_pk = ${providerPk}`
  if (resellerPk === undefined) return inProvider
  const organizations = sql`(${selectWithCustomers(resellerPk)})`
  if (path === 'area') return sql<SqlBool>`${inContext} and users.organization_pk in ${organizations}`
  // Read once, so that the index of the order alone tells which users are left out. Without `is true`, PostgreSQL
  // compares each user with each organization.
  if (path !== 'keys')
    return sql<SqlBool>`${inProvider} and ${inContext} and (+users.organization_pk in ${organizations}) is true`
  return sql<SqlBool>`${inProvider} and ${inContext} and (
    +users.organization_pk = ${resellerPk} or exists (
      select 1 from customer_resellers as relation
      where relation.customer_pk = users.organization_pk and relation.reseller_pk = ${resellerPk}))`
}

const KEYS = { name: ['name_key', 'id'], email: ['email_key', 'organization_pk', 'pk'] } as const

/** Returns the terms of ORDER BY. Users without an e-mail come last, as those without a name do. */
export function toOrderSql({ by, ascending }: UserOrder): RawBuilder<unknown> {
  const direction = sql.raw(ascending ? 'asc nulls last' : 'desc nulls first')
  const terms = KEYS[by].map((column, i) =>
    i === 0
      ? sql`${sql.ref(`users.${column}`)} ${direction}`
      : sql`${sql.ref(`users.${column}`)} ${sql.raw(ascending ? 'asc' : 'desc')}`,
  )
  return sql.join(terms)
}

const beingDeleted = statement((db, p: { provider: number }) =>
  db
    .selectFrom('organizations')
    .select('pk')
    .where('provider_pk', '=', p.provider)
    .where('deleted_at', 'is not', null)
    .where('emptied_at', 'is', null),
)

/**
 * Returns the primary keys of organizations that were deleted, and whose users are being deleted by a job. Lists leave
 * these users out. There are few: lists read them first, so that they need not look at the organization of each user.
 */
export async function selectOrganizationsBeingDeleted(tx: Tx, provider: number): Promise<number[]> {
  return (await tx.all(beingDeleted, { provider })).map(({ pk }) => pk)
}
