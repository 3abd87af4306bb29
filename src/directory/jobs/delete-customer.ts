import { markOrganizationEmptied } from '../../store/tables/companies.ts'
import {
  countPendingAccounts,
  markAccountsOfOrganizationRemoved,
  type NamedAccount,
  selectAccountsOfOrganization,
  selectUsersOfOrganization,
} from '../../store/tables/deleted-organizations.ts'
import { markUserDeleted } from '../../store/tables/users.ts'
import type { Unit } from '../unit.ts'
import type { JobKind, JobState, StepResult } from './kind.ts'

/** How many users one step deletes: about 2 ms on SQLite, so that other calls hardly wait. */
export const USERS_AT_ONCE = 40
/** How many accounts one step removes. */
const ACCOUNTS_AT_ONCE = 20
/** The most removals that the platform has not done yet. With more, calls of other customers would wait for it. */
const MAX_PENDING = 200
/** How long the job waits for the platform. */
const PLATFORM_MS = 1_000
/** How long after the deletion the last look for users is: a create that began before it may commit after it. */
export const LATE_MS = 1_000
/** The most accounts that a receipt names. */
const MAX_NAMED = 1_000

interface Input {
  readonly organizationPk: number
  readonly purge: boolean
  /** How many users and accounts there were at the deletion. Removals that had begun before it also end them. */
  readonly users: number
  readonly accounts: number
}

interface Cursor {
  readonly phase: 'accounts' | 'platform' | 'users'
  /** The primary key of the last account that was removed. */
  readonly after: number
  readonly accounts: number
  readonly users: number
  /** When the deletion began, in milliseconds since 1970. */
  readonly begunAt: number
}

type State = JobState<Input, Cursor>
type Step = StepResult<Cursor>

/**
 * Removes what a deleted customer leaves: first its accounts, from their platforms, and then its users. The audit entry
 * at the end is the receipt.
 */
export const DELETE_CUSTOMER: JobKind<Input, Cursor> = {
  operation: 'DeleteCustomer',
  async step(unit, job) {
    const { cursor } = job
    if (!cursor) return begin(unit)
    if (cursor.phase === 'accounts') return removeAccounts(unit, job, cursor)
    if (cursor.phase === 'platform') return awaitPlatform(unit, job, cursor)
    return deleteUsers(unit, job, cursor)
  },
}

function begin({ now }: Unit): Step {
  return { cursor: { phase: 'accounts', after: 0, accounts: 0, users: 0, begunAt: Date.parse(now) } }
}

async function removeAccounts({ tx, now }: Unit, { input, done }: State, cursor: Cursor): Promise<Step> {
  const { organizationPk, purge } = input
  if ((await countPendingAccounts(tx, organizationPk)) >= MAX_PENDING) return { cursor, waitMs: PLATFORM_MS }
  const page = { after: cursor.after, limit: ACCOUNTS_AT_ONCE, purge, now }
  const { removed, next } = await markAccountsOfOrganizationRemoved(tx, organizationPk, page)
  const accounts = cursor.accounts + removed
  const phase = next === null ? 'platform' : 'accounts'
  return { cursor: { ...cursor, phase, after: next ?? cursor.after, accounts }, done: done + removed }
}

/** Platform first: the directory keeps the users for as long as a platform may still have their accounts. */
async function awaitPlatform({ tx }: Unit, { input }: State, cursor: Cursor): Promise<Step> {
  if ((await countPendingAccounts(tx, input.organizationPk)) > 0) return { cursor, waitMs: PLATFORM_MS }
  return { cursor: { ...cursor, phase: 'users' } }
}

async function deleteUsers(unit: Unit, { input, target, done }: State, cursor: Cursor): Promise<Step> {
  const { tx, now } = unit
  const pks = await selectUsersOfOrganization(tx, input.organizationPk, USERS_AT_ONCE)
  for (const pk of pks) await markUserDeleted(tx, pk, now)
  const users = cursor.users + pks.length
  if (pks.length > 0) return { cursor: { ...cursor, users }, done: done + pks.length }
  const waitMs = cursor.begunAt + LATE_MS - Date.parse(now)
  if (waitMs > 0) return { cursor, waitMs }
  return finish(unit, { input, target }, cursor)
}

async function finish(
  unit: Unit,
  { input, target }: Pick<State, 'input' | 'target'>,
  cursor: Cursor,
): Promise<Step> {
  const { organizationPk, purge } = input
  const { tx, now } = unit
  const left = await selectAccountsOfOrganization(tx, organizationPk, { after: 0, limit: MAX_NAMED + 1 })
  // Accounts that stay must stay hidden.
  if (left.length === 0) await markOrganizationEmptied(tx, organizationPk, now)
  const named = left.slice(0, MAX_NAMED).map(toNames)
  const users = Math.max(input.users, cursor.users)
  const accounts = Math.max(input.accounts, cursor.accounts)
  await unit.audit({
    ...{ outcome: 'deleted', organization: target },
    changes: [
      { name: 'users', before: users, after: 0 },
      { name: 'accounts', before: accounts, after: left.length },
      ...(purge ? [{ name: 'data', before: true, after: false }] : []),
      ...(left.length > 0 ? [{ name: 'keptAccounts', before: [], after: named }] : []),
    ],
  })
  return {
    result: { users, accounts, purgedData: purge, keptAccounts: named },
    done: input.users + input.accounts,
  }
}

/** How a receipt names an account that stays because it owns data. */
function toNames({ platform, tenantId, userId }: NamedAccount): string {
  return `${platform}/${tenantId}/${userId}`
}
