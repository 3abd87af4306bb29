import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Organization } from '../../model/organizations.ts'
import { countCodePoints, foldKey } from '../../model/text.ts'
import { toPattern } from '../conditions.ts'
import { MIN_SEARCHED, type QueryBuilder, type Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { ORGANIZATION_COLUMNS, type OrganizationRow, toOrganization } from '../tables/organizations.ts'
import { selectWithCustomers } from '../tables/relations.ts'

/** An organization as a search shows it. */
export interface FoundOrganization extends Organization {
  readonly state: 'active' | 'suspended' | 'deleted'
}

interface Row extends OrganizationRow {
  readonly suspended_at: string | null
  readonly deleted_at: string | null
}

const COLUMNS = [...ORGANIZATION_COLUMNS, 'organizations.suspended_at', 'organizations.deleted_at'] as const

function toFound(row: Row): FoundOrganization {
  const state = row.deleted_at !== null ? 'deleted' : row.suspended_at !== null ? 'suspended' : 'active'
  return { ...toOrganization(row), state }
}

const selectById = statement((db, p: { id: string }) =>
  db.selectFrom('organizations').select(COLUMNS).where('id', '=', p.id),
)

/** Returns the organization with an id, deleted or not. */
export async function selectFoundOrganization(tx: Tx, id: string): Promise<FoundOrganization | undefined> {
  const row = await tx.get(selectById, { id })
  return row && toFound(row)
}

const selectByPk = statement((db, p: { pk: number }) =>
  db.selectFrom('organizations').select(COLUMNS).where('pk', '=', p.pk),
)

/** Returns the organization with a primary key, deleted or not. */
export async function selectFoundOrganizationByPk(
  tx: Tx,
  pk: number,
): Promise<FoundOrganization | undefined> {
  const row = await tx.get(selectByPk, { pk })
  return row && toFound(row)
}

const selectByPortal = statement((db, p: { domain: string }) =>
  db
    .selectFrom('portals')
    .innerJoin('organizations', 'organizations.pk', 'portals.organization_pk')
    .select(COLUMNS)
    .where('portals.domain', '=', p.domain),
)

/** Returns the organization of the portal with a domain, in the form that `foldDomain` returns. */
export async function selectFoundByPortal(tx: Tx, domain: string): Promise<FoundOrganization | undefined> {
  const row = await tx.get(selectByPortal, { domain })
  return row && toFound(row)
}

/** Which organizations a search by name looks at. */
export interface OrganizationArea {
  readonly providerPk: number
  /** Only this organization and, if it is a reseller, its customers. */
  readonly ownPk?: number | undefined
}

/** What a search compares. */
interface TextParameters {
  readonly provider: number
  /** Whose customers are looked at; a provider looks at all. */
  readonly own: number
  readonly key: string
  /** The pattern of names that begin with the text. */
  readonly start: string
  readonly limit: number
  readonly word1: string
  readonly word2: string
  readonly word3: string
}

/** What differs in the text of the statement. */
interface TextQuery {
  /** One for each word; without any, the name must begin with the text. */
  readonly patterns: readonly string[]
  /** Whether the provider searches: it reaches all organizations, and has identifiers of its own. */
  readonly isProvider: boolean
  /** The ESCAPE clause, if a pattern has a backslash. PostgreSQL would apply it to each name. */
  readonly escaping?: RawBuilder<unknown>
}

/**
 * Starts a query for organizations by a text. Each way to find them is a query of its own. The query by name reads all
 * names: comparing the domain and the identifier in it, too, would double its time. The other queries use indexes.
 */
function selectByText(
  db: QueryBuilder,
  p: TextParameters,
  { patterns, isProvider, escaping = sql`` }: TextQuery,
) {
  const isLike = (pattern: string) => sql<SqlBool>`organizations.name_key like ${pattern} ${escaping}`
  const starts = isLike(p.start)
  const named = patterns.length === 0 ? starts : sql<SqlBool>`(${sql.join(patterns.map(isLike), sql` and `)})`
  const inOrder = sql`case when ${starts} then 0 else 1 end, organizations.name_key, organizations.pk`
  const ways = [named, sql<SqlBool>`organizations.email_domain = ${p.key}`, hasIdentifier(p, isProvider)].map(
    (condition) => sql`select pk from (
      select organizations.pk from organizations where ${condition} and organizations.provider_pk = ${p.provider}
        and organizations.kind in ('reseller', 'customer') and organizations.deleted_at is null
        and ${isProvider ? sql`1 = 1` : isWithinReach(p)}
      order by ${inOrder} limit ${p.limit}) as found`,
  )
  return db
    .selectFrom('organizations')
    .select(COLUMNS)
    .where(sql<SqlBool>`organizations.pk in (${sql.join(ways, sql` union all `)})`)
    .orderBy(inOrder)
    .limit(p.limit)
}

/** A reseller has its own identifiers of its customers. */
function hasIdentifier({ own, key }: TextParameters, isProvider: boolean): RawBuilder<SqlBool> {
  if (isProvider) return sql`organizations.identifier_key = ${key}`
  return sql`organizations.pk in (
    select customer_pk from customer_resellers where reseller_pk = ${own} and identifier_key = ${key})`
}

/** `is true` keeps PostgreSQL from looking up each customer of the reseller: few of them have the text. */
function isWithinReach({ own }: TextParameters): RawBuilder<SqlBool> {
  return sql`(organizations.pk in (${selectWithCustomers(own)})) is true`
}

/** By the number of words. Searches with more words, or with `%`, `_` or a backslash, are rare, and are not prepared. */
const declareByWords = ({ isProvider }: Pick<TextQuery, 'isProvider'>) =>
  [0, 1, 2, 3].map((words) =>
    statement((db, p: TextParameters) =>
      selectByText(db, p, { isProvider, patterns: [p.word1, p.word2, p.word3].slice(0, words) }),
    ),
  )
const OF_PROVIDER = declareByWords({ isProvider: true })
const OF_OTHERS = declareByWords({ isProvider: false })

/**
 * Returns live resellers and customers of an area by a text: those whose name contains all words of it, whose contact
 * has this domain, or whom the reader knows under this identifier. Names that begin with the text come first.
 * @param search.words as `toSearchWords` returns them; a single short word must be the beginning of the name
 */
export async function selectFoundByText(
  tx: Tx,
  { providerPk, ownPk }: OrganizationArea,
  search: { readonly text: string; readonly words: readonly string[]; readonly limit: number },
): Promise<FoundOrganization[]> {
  const { words, limit } = search
  if (words.length === 0) return []
  const key = foldKey(search.text)
  const isShort = words.every((word) => countCodePoints(word) < MIN_SEARCHED)
  const patterns = isShort ? [] : words.map(toPattern)
  const [word1 = '', word2 = '', word3 = ''] = patterns
  const start = toPattern(key).slice(1)
  const params = { provider: providerPk, own: ownPk ?? 0, key, start, limit, word1, word2, word3 }
  const isProvider = ownPk === undefined
  const prepared = start.includes('\\') ? undefined : (isProvider ? OF_PROVIDER : OF_OTHERS)[patterns.length]
  const rows = prepared
    ? await tx.all(prepared, params)
    : await tx.query((db) => selectByText(db, params, { patterns, isProvider, escaping: sql`escape '\\'` }))
  return rows.map(toFound)
}

/** A page of a list of organizations by name. */
export interface OrganizationPage {
  readonly kinds: readonly ('reseller' | 'customer')[]
  /** As `toSearchWords` returns them; none for all organizations. */
  readonly words: readonly string[]
  /** The key of the name and the primary key of the last organization of the page before. */
  readonly after?: { readonly key: string; readonly pk: number } | undefined
  readonly limit: number
}

/** An organization of a list, with its place in the order. */
export interface ListedOrganization extends FoundOrganization {
  readonly nameKey: string
}

/** Returns live resellers and customers of an area by name, at most `limit`. */
export async function selectOrganizationPage(
  tx: Tx,
  { providerPk, ownPk }: OrganizationArea,
  { kinds, words, after, limit }: OrganizationPage,
): Promise<ListedOrganization[]> {
  const found: ListedOrganization[] = []
  // One kind after the other: an index has each kind in the order of the names.
  for (const kind of kinds) {
    const rows = await tx.query((db) =>
      words
        .reduce(
          (some, word) =>
            some.where(sql<SqlBool>`organizations.name_key like ${toPattern(word)} escape '\\'`),
          db.selectFrom('organizations').select([...COLUMNS, 'organizations.name_key']),
        )
        .where('organizations.provider_pk', '=', providerPk)
        .where('organizations.kind', '=', kind)
        .where('organizations.deleted_at', 'is', null)
        .$if(ownPk !== undefined, (query) =>
          query.where(sql<SqlBool>`organizations.pk in (${selectWithCustomers(ownPk ?? 0)})`),
        )
        .$if(after !== undefined, (query) =>
          query.where((eb) =>
            eb(
              eb.refTuple('organizations.name_key', 'organizations.pk'),
              '>',
              eb.tuple(after?.key ?? '', after?.pk ?? 0),
            ),
          ),
        )
        .orderBy('organizations.name_key')
        .orderBy('organizations.pk')
        .limit(limit),
    )
    found.push(...rows.map((row) => ({ ...toFound(row), nameKey: row.name_key })))
  }
  return found.sort(compareNames).slice(0, limit)
}

function compareNames(one: ListedOrganization, other: ListedOrganization): number {
  if (one.nameKey === other.nameKey) return one.pk - other.pk
  return Buffer.compare(Buffer.from(one.nameKey), Buffer.from(other.nameKey))
}

/**
 * Returns the numbers of live users of organizations, by primary key, from stored totals.
 * @param reseller counts the users in the context of this reseller, and those in none; all when left out
 */
export async function selectUserCounts(
  tx: Tx,
  pks: readonly number[],
  reseller?: number,
): Promise<Map<number, number>> {
  if (pks.length === 0) return new Map()
  const rows = await tx.query((db) =>
    db
      .selectFrom('user_totals')
      .select(['organization_pk', (eb) => eb.fn.sum<number>('total').as('users')])
      .where('deleted', '=', 0)
      .where('organization_pk', 'in', pks)
      .$if(reseller !== undefined, (query) => query.where('reseller_pk', 'in', [0, reseller ?? 0]))
      .groupBy('organization_pk'),
  )
  return new Map(rows.map((row) => [row.organization_pk, Number(row.users)]))
}

/** What a row of a list of organizations shows in addition. */
export interface OrganizationExtras {
  /** The resellers of a customer. */
  readonly resellers: readonly { readonly id: string; readonly name: string }[]
  readonly tenant: { readonly id: string; readonly platform: string } | null
  /** The domains of its portals. */
  readonly portals: readonly string[]
}

/**
 * Returns what rows of organizations show in addition, by their primary keys.
 * @param reseller shows this reseller alone; all when left out
 */
export async function selectOrganizationExtras(
  tx: Tx,
  pks: readonly number[],
  reseller?: number,
): Promise<(pk: number) => OrganizationExtras> {
  if (pks.length === 0) return () => ({ resellers: [], tenant: null, portals: [] })
  const resellers = await tx.query((db) =>
    db
      .selectFrom('customer_resellers')
      .innerJoin('organizations', 'organizations.pk', 'customer_resellers.reseller_pk')
      .select(['customer_pk', 'organizations.id', 'organizations.name'])
      .where('customer_pk', 'in', pks)
      .where('organizations.deleted_at', 'is', null)
      .$if(reseller !== undefined, (query) => query.where('reseller_pk', '=', reseller ?? 0))
      .orderBy('organizations.pk'),
  )
  const tenants = await tx.query((db) =>
    db
      .selectFrom('tenants')
      .select(['organization_pk', 'id', 'platform'])
      .where('organization_pk', 'in', pks)
      .where('deleted_at', 'is', null)
      .orderBy('pk', 'desc'),
  )
  const portals = await tx.query((db) =>
    db
      .selectFrom('portals')
      .select(['organization_pk', 'domain'])
      .where('organization_pk', 'in', pks)
      .orderBy('pk'),
  )
  const tenantOf = new Map(
    tenants.map(({ organization_pk, id, platform }) => [organization_pk, { id, platform }]),
  )
  return (pk) => ({
    resellers: resellers.filter((row) => row.customer_pk === pk).map(({ id, name }) => ({ id, name })),
    tenant: tenantOf.get(pk) ?? null,
    portals: portals.filter((row) => row.organization_pk === pk).map(({ domain }) => domain),
  })
}
