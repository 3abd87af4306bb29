import type { Operation } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { isDomain, isEmail } from '../model/email.ts'
import { type Findings, type Hit, type HitKind, isFindable, type Match, trimSearch } from '../model/find.ts'
import { foldId, isUuid } from '../model/ids.ts'
import { foldDomain, type OrganizationKind } from '../model/organizations.ts'
import { toSearchWords } from '../model/user-lists.ts'
import { toFullName } from '../model/users.ts'
import {
  type FoundOrganization,
  selectFoundByPortal,
  selectFoundByText,
  selectFoundOrganization,
} from '../store/find/organizations.ts'
import { selectFoundAccountsAndKeys, selectFoundTenants } from '../store/find/things.ts'
import {
  type FoundUser,
  selectFoundByEmail,
  selectFoundByWords,
  selectFoundUser,
} from '../store/find/users.ts'
import type { UserArea } from '../store/port.ts'
import { isPermitted } from './access.ts'
import type { Directory } from './directory.ts'
import { findImport, findJob, findRequest } from './find-work.ts'
import { findReachableClient, getUserArea, isReachable, type Scope } from './reach.ts'
import { runRead } from './unit.ts'

/** What to look for. */
export interface FindRequest {
  /**
   * Any id, an S3 access key, a canonical user id, an id of Cloud Director, an e-mail address, a domain, or words that
   * are in names or e-mail addresses. Ids and keys are compared as a whole.
   */
  readonly text: string
  /** The most users, and the most organizations, with the words. */
  readonly limit: number
}

/** The most users that are shown for one e-mail address. */
const MOST = 20

/**
 * Finds everything that a text can mean, within reach of the caller. A thing out of reach, or of a kind that the caller
 * may not read, is left out, after the same look-ups as for one that does not exist.
 * @returns nothing for a text that nothing can have, such as an empty one
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function find(dir: Directory, ctx: Context, { text: typed, limit }: FindRequest): Promise<Findings> {
  return runRead(dir, ctx, 'FindObjects', async (scope) => {
    const text = trimSearch(typed)
    if (!isFindable(text)) return { hits: [], more: false }
    const area = await getUserArea(scope, {})
    const search: Search = { scope, area, text }
    // Together: PostgreSQL gets all queries that do not need the result of another one at once.
    const [exact, users, organizations] = await Promise.all([
      findExact(search),
      findUsers(search, limit),
      findOrganizations(search, limit),
    ])
    return {
      hits: dropRepeated([...exact, ...users.hits, ...organizations.hits]),
      more: users.more || organizations.more,
    }
  })
}

/** One search: what it may reach, and the text. */
interface Search {
  readonly scope: Scope
  readonly area: UserArea
  readonly text: string
}

/** The first hit stays: it says best how the text matches. */
function dropRepeated(hits: readonly Hit[]): Hit[] {
  const seen = new Set<string>()
  return hits.filter(({ kind, id }) => {
    const name = `${kind} ${id}`
    return !seen.has(name) && seen.add(name)
  })
}

/** The operation that a caller must be allowed to run to see a hit. */
const READS: Readonly<Record<Exclude<HitKind, 'organization'>, Operation>> = {
  user: 'GetUser',
  tenant: 'GetCustomerTenant',
  account: 'GetUser',
  key: 'ListUserCredentials',
  client: 'GetClient',
  job: 'GetJob',
  import: 'ListImports',
  request: 'ListAuditLogs',
}
const READS_OF_KIND: Readonly<Record<OrganizationKind, Operation>> = {
  provider: 'ListGroups',
  reseller: 'GetReseller',
  customer: 'GetCustomer',
}

/**
 * Finds what a text names as a whole, within reach of the caller: by an id, a key, or the e-mail address of a user.
 * @returns the things, users first
 */
export async function findNamed(scope: Scope, typed: string): Promise<Hit[]> {
  const text = trimSearch(typed)
  if (!isFindable(text)) return []
  const search: Search = { scope, area: await getUserArea(scope, {}), text }
  const same = isEmail(text)
    ? await selectFoundByEmail(scope.tx, search.area, { email: text, limit: MOST })
    : []
  return [...same.map((user) => toUserHit(user, 'email')), ...(await findExact(search))]
}

/** Looks a text up as a whole. A UUID may be the id of anything but a tenant, an account or a key. */
async function findExact(search: Search): Promise<Hit[]> {
  if (/\s/.test(search.text)) return []
  const finders = isUuid(search.text) ? [...BY_UUID, ...BY_WORD] : BY_WORD
  const permitted = finders.filter(([kind]) => kind === null || isPermitted(search.scope.ctx, READS[kind]))
  return (await Promise.all(permitted.map(([, find]) => find(search)))).flat()
}

type Finder = readonly [kind: Exclude<HitKind, 'organization'> | null, (search: Search) => Promise<Hit[]>]

const BY_UUID: readonly Finder[] = [
  ['user', findUserById],
  [null, findOrganizationById],
  ['client', findClientById],
  ['job', ({ scope, text }) => findJob(scope, text)],
  ['import', ({ scope, text }) => findImport(scope, text)],
  ['request', ({ scope, text }) => findRequest(scope, text)],
]
const BY_WORD: readonly Finder[] = [
  ['tenant', findTenants],
  [null, findAccountsAndKeys],
]

/** The area for look-ups by id: the provider also finds the users of customers that were deleted. */
function toIdArea({ scope, area }: Search): UserArea {
  return scope.ctx.organization.kind === 'provider' ? { ...area, ofDeleted: true } : area
}

async function findUserById(search: Search): Promise<Hit[]> {
  const { scope, text } = search
  const user = await selectFoundUser(scope.tx, toIdArea(search), foldId(text))
  return user ? [toUserHit(user, 'id')] : []
}

function toUserHit(user: FoundUser, match: Match): Hit {
  const { id, email, state, organization } = user
  return { kind: 'user', id, name: toFullName(user), email, state, match, organization, userId: null }
}

async function findOrganizationById({ scope, text }: Search): Promise<Hit[]> {
  const found = await selectFoundOrganization(scope.tx, foldId(text))
  return toOrganizationHits(scope, found, 'id')
}

async function toOrganizationHits(
  scope: Scope,
  found: FoundOrganization | undefined,
  match: Match,
): Promise<Hit[]> {
  const isWithin = await isReachable(scope, found)
  if (!found || !isWithin || !isPermitted(scope.ctx, READS_OF_KIND[found.kind])) return []
  return [toOrganizationHit(found, match)]
}

function toOrganizationHit({ id, name, kind, state }: FoundOrganization, match: Match): Hit {
  const organization = { id, name, kind }
  return { kind: 'organization', id, name, email: null, state, match, organization, userId: null }
}

async function findClientById({ scope, text }: Search): Promise<Hit[]> {
  const client = await findReachableClient(scope, text)
  if (!client) return []
  const { id, name, organization } = client
  const named = { kind: 'client', id, name, email: null, state: 'active', match: 'id' } as const
  return [{ ...named, organization: pick(organization), userId: null }]
}

function pick({ id, name, kind }: { id: string; name: string; kind: OrganizationKind }) {
  return { id, name, kind }
}

async function findTenants({ scope, area, text }: Search): Promise<Hit[]> {
  const tenants = await selectFoundTenants(scope.tx, area, text)
  return tenants.map((tenant) => ({ ...tenant, kind: 'tenant', email: null, userId: null }))
}

/** Finds accounts and keys. */
async function findAccountsAndKeys(search: Search): Promise<Hit[]> {
  const found = await selectFoundAccountsAndKeys(search.scope.tx, toIdArea(search), search.text)
  const permitted = found.filter(({ kind }) => isPermitted(search.scope.ctx, READS[kind]))
  return permitted.map(({ user, ...owned }) => {
    const { id: userId, email, organization } = user
    return { ...owned, name: toFullName(user), email, organization, userId }
  })
}

interface Found {
  readonly hits: readonly Hit[]
  readonly more: boolean
}

/** Finds users by an e-mail address and by words. Those who have the whole address come first. */
async function findUsers({ scope, area, text }: Search, limit: number): Promise<Found> {
  const { tx } = scope
  const same = isEmail(text) ? await selectFoundByEmail(tx, area, { email: text, limit: limit + 1 }) : []
  // The parts of an address that a user has are those of most other addresses.
  const words = isUuid(text) || same.length > 0 ? [] : toSearchWords(text)
  const found = await selectFoundByWords(tx, area, { words, limit: limit + 1 })
  const hits = [
    ...same.map((user) => toUserHit(user, 'email')),
    ...rank(found.users, words[0] ?? '').map((user) => toUserHit(user, 'words')),
  ]
  const unique = dropRepeated(hits)
  return { hits: unique.slice(0, limit), more: found.more || unique.length > limit }
}

/** Orders users: those first whose e-mail or name begins with the word, then by name. */
function rank(users: readonly FoundUser[], word: string): FoundUser[] {
  const keyOf = (user: FoundUser): string => {
    const texts = [user.email, user.firstName, user.lastName].map((one) => (one ?? '').toLowerCase())
    return `${texts.some((one) => one.startsWith(word)) ? 0 : 1}${texts[1]} ${texts[2]} ${texts[0]}`
  }
  return users
    .map((user) => ({ user, key: keyOf(user) }))
    .sort((one, other) => (one.key < other.key ? -1 : 1))
    .map(({ user }) => user)
}

async function findOrganizations(search: Search, limit: number): Promise<Found> {
  const [byPortal, named] = await Promise.all([findByPortal(search), findByName(search, limit)])
  return { hits: [...byPortal, ...named.hits], more: named.more }
}

async function findByPortal({ scope, text }: Search): Promise<Hit[]> {
  if (!isDomain(text)) return []
  return toOrganizationHits(scope, await selectFoundByPortal(scope.tx, foldDomain(text)), 'portal')
}

async function findByName({ scope: { tx, ctx }, text }: Search, limit: number): Promise<Found> {
  if (isUuid(text) || !isPermitted(ctx, 'ListCustomers')) return { hits: [], more: false }
  const own = ctx.organization
  const area = { providerPk: own.providerPk, ownPk: own.kind === 'provider' ? undefined : own.pk }
  const named = await selectFoundByText(tx, area, { text, words: toSearchWords(text), limit: limit + 1 })
  const seen = named.filter(({ kind }) => isPermitted(ctx, READS_OF_KIND[kind]))
  return {
    hits: seen.slice(0, limit).map((one) => toOrganizationHit(one, 'words')),
    more: seen.length > limit,
  }
}
