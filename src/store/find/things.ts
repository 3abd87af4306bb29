import { type InferResult, sql } from 'kysely'
import type { HitState, Match } from '../../model/find.ts'
import { listSpellings } from '../../model/ids.ts'
import type { OrganizationKind } from '../../model/organizations.ts'
import type { QueryBuilder, Tx, UserArea } from '../port.ts'
import { statement } from '../statement.ts'
import { type AreaParameters, isInArea, isOrganizationInArea, toAreaParameters } from '../tables/areas.ts'
import { type FoundUser, selectRows, toFoundUser } from './users.ts'

// One statement looks for all ids of a kind. Most texts are words and no ids, so the number of statements counts most.

/** The most things that one text names. */
const MOST = 20

/** A text as ids are compared with it: as given, and in the spellings under which UUIDs may be stored. */
interface IdSpellings {
  readonly text: string
  readonly lower: string
  readonly upper: string
}

function toSpellings(text: string): IdSpellings {
  const [, lower = text, upper = text] = listSpellings(text)
  return { text, lower, upper }
}

/** A tenant as a search shows it. */
export interface FoundTenant {
  readonly id: string
  readonly name: string
  readonly state: HitState
  readonly match: Match
  readonly organization: { readonly id: string; readonly name: string; readonly kind: OrganizationKind }
}

const tenantsById = statement((db, p: AreaParameters & IdSpellings) =>
  db
    .selectFrom('tenants')
    .innerJoin('organizations as owner', 'owner.pk', 'tenants.organization_pk')
    .select(['tenants.id', 'tenants.name', 'tenants.deleted_at', 'owner.deleted_at as owner_deleted_at'])
    .select([
      'owner.suspended_at',
      'owner.id as owner_id',
      'owner.name as owner_name',
      'owner.kind as owner_kind',
    ])
    .where('tenants.provider_pk', '=', p.provider)
    .where('tenants.pk', 'in', (eb) =>
      eb
        .selectFrom('tenants')
        .select('pk')
        .where('id', '=', p.text)
        .union(
          eb
            .selectFrom('tenant_orgs')
            .select('tenant_pk as pk')
            .where('provider_pk', '=', p.provider)
            .where('org_id', 'in', [p.text, p.lower, p.upper]),
        ),
    )
    .where(isOrganizationInArea(p, sql`tenants.organization_pk`))
    .orderBy('tenants.pk')
    .limit(sql.lit(MOST)),
)

/** Returns the tenants of an area with an id, deleted or not, and those to which a Cloud Director org is mapped. */
export async function selectFoundTenants(tx: Tx, area: UserArea, text: string): Promise<FoundTenant[]> {
  const rows = await tx.all(tenantsById, { ...toAreaParameters(area), ...toSpellings(text) })
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    state: toTenantState(row),
    match: row.id === text ? 'id' : 'org',
    organization: { id: row.owner_id, name: row.owner_name, kind: row.owner_kind },
  }))
}

function toTenantState(row: InferResult<ReturnType<(typeof tenantsById)['build']>>[number]): HitState {
  if (row.deleted_at !== null || row.owner_deleted_at !== null) return 'deleted'
  return row.suspended_at === null ? 'active' : 'suspended'
}

/** An account or a key as a search shows it. */
export interface FoundAccountOrKey {
  readonly kind: 'account' | 'key'
  /** The canonical id of an account, the access key of a key. */
  readonly id: string
  readonly state: HitState
  readonly match: Match
  readonly user: FoundUser
}

/** Starts a query for accounts of a provider. */
function selectAccounts(db: QueryBuilder, p: AreaParameters, match: Match) {
  return db
    .selectFrom('accounts')
    .select([
      'accounts.user_pk',
      'accounts.canonical_user_id as name',
      'accounts.wanted',
      'accounts.active as is_active',
      sql<Match>`${sql.lit(match)}`.as('match'),
    ])
    .where('accounts.provider_pk', '=', p.provider)
}

function selectKeys(db: QueryBuilder, p: AreaParameters & IdSpellings) {
  return db
    .selectFrom('credentials')
    .innerJoin('accounts', 'accounts.pk', 'credentials.account_pk')
    .select([
      'accounts.user_pk',
      'credentials.access_key as name',
      'credentials.wanted',
      'credentials.active as is_active',
      sql<Match>`'access_key'`.as('match'),
    ])
    .where('credentials.access_key', '=', p.text)
    .where('credentials.provider_pk', '=', p.provider)
}

const accountsAndKeys = statement((db, p: AreaParameters & IdSpellings) =>
  selectRows(db.selectFrom('users').where(isInArea(p)))
    .innerJoin(
      selectAccounts(db, p, 'canonical_id')
        .where('accounts.canonical_user_id', '=', p.text)
        .unionAll(
          selectAccounts(db, p, 'org_user')
            .where('accounts.org_user_id', 'in', [p.text, p.lower, p.upper])
            // An account without Cloud Director has the id of its user in this place.
            .where('accounts.org_id', '<>', '')
            // A literal, as in the condition of the index.
            .where('accounts.wanted', '=', sql.lit(1)),
        )
        .unionAll(selectKeys(db, p))
        .as('found'),
      'found.user_pk',
      'users.pk',
    )
    .select(['found.name', 'found.wanted', 'found.is_active', 'found.match'])
    .orderBy(sql`case found.match when 'org_user' then 1 else 0 end`)
    .limit(sql.lit(MOST)),
)

/**
 * Returns accounts by a canonical id, removed or not, or by the id of a user of Cloud Director, and keys by their access
 * key, also deleted ones that a platform still has. Their users are in the area.
 */
export async function selectFoundAccountsAndKeys(
  tx: Tx,
  area: UserArea,
  text: string,
): Promise<FoundAccountOrKey[]> {
  const rows = await tx.all(accountsAndKeys, { ...toAreaParameters(area), ...toSpellings(text) })
  return rows.map(({ name, wanted, is_active, match, ...user }) => {
    const kind = match === 'access_key' ? 'key' : 'account'
    const state = wanted !== 1 ? GONE[kind] : is_active === 1 ? 'active' : OFF[kind]
    return { kind, id: name, state, match, user: toFoundUser(user) }
  })
}

const GONE = { account: 'removed', key: 'deleted' } as const
const OFF = { account: 'suspended', key: 'disabled' } as const
