import type { Organization } from '../model/organizations.ts'
import { type PersonWithoutAccount, selectPeopleWithoutAccount } from '../store/accounts/people.ts'
import { selectOrganization } from '../store/tables/organizations.ts'
import { lockUser } from '../store/tables/users.ts'
import { findAccountPlace, giveAccount, type PersonIds } from './account-places.ts'
import { CACHE_TTL_MS } from './directory.ts'
import { beginJob } from './jobs/jobs.ts'
import type { JobKind, StepResult } from './jobs/kind.ts'
import type { Unit } from './unit.ts'

/** How many people one step looks at. */
const LOOKED_AT = 200
/** How many accounts one step makes: about 100 microseconds each. */
const GIVEN = 50
/**
 * How long creates may still run that began before a tenant was switched to `everyone`, in milliseconds: such a create
 * knows the tenant from a cache, and waits for its commit.
 */
const LATE_CREATES_MS = CACHE_TTL_MS + 28_000
/** How long the job waits for a removal with data. */
const REMOVAL_MS = 5_000

interface Input {
  readonly organizationId: string
  readonly tenantId: string
}

interface Cursor {
  /** When this pass through the people began, in milliseconds, and when the first one did. */
  readonly beganAt: number
  readonly firstAt: number
  readonly after?: Pick<PersonWithoutAccount, 'id' | 'nameKey'>
  readonly given: number
  /** Whether this pass left people without an account, because a removal with data runs. */
  readonly waits: boolean
}

/**
 * Gives an account to each user of an organization who has none. After the first pass it waits until no create can run
 * that does not know of the switch, and looks again.
 */
export const CREATE_ACCOUNTS: JobKind<Input, Cursor> = {
  operation: 'CreateAccounts',
  async step(unit, { input, cursor }) {
    const organization = await selectOrganization(unit.tx, input.organizationId)
    const place = organization && (await findAccountPlace(unit, organization.pk))
    // The tenant was deleted, or names again who gets an account.
    if (!place || place.tenantId !== input.tenantId) return { result: { accounts: cursor?.given ?? 0 } }
    const now = Date.parse(unit.now)
    const pass = cursor ?? { beganAt: now, firstAt: now, given: 0, waits: false }
    const { platform } = place
    const page = { platform, after: pass.after, limit: LOOKED_AT }
    const { people, last } = await selectPeopleWithoutAccount(unit.tx, organization.pk, page)
    let { given, waits } = pass
    for (const user of people.slice(0, GIVEN)) {
      // A concurrent suspension or deletion of the user conflicts, runs again, and sees the account.
      await lockUser(unit.tx, user.pk)
      const outcome = await giveAccount(unit, { user, organizationId: organization.id, place })
      if (outcome === 'given') given++
      if (outcome === 'waits') waits = true
    }
    const after = people.length > GIVEN ? people[GIVEN - 1] : last
    if (after) return { cursor: { ...pass, after: toKey(after), given, waits }, done: given }
    return endPass({ ...pass, given, waits }, now)
  },
}

function toKey({ id, nameKey }: PersonWithoutAccount): Pick<PersonWithoutAccount, 'id' | 'nameKey'> {
  return { id, nameKey }
}

/** Ends a pass. It is the last one if it began so late that it saw every create, and nothing waits. */
function endPass({ beganAt, firstAt, given, waits }: Cursor, now: number): StepResult<Cursor> {
  const seesAllFrom = firstAt + LATE_CREATES_MS
  if (beganAt >= seesAllFrom && !waits) return { result: { accounts: given }, done: given }
  const next = Math.max(seesAllFrom, now + (waits ? REMOVAL_MS : 0))
  return { cursor: { beganAt: next, firstAt, given, waits: false }, done: given, waitMs: next - now }
}

/**
 * Begins the job that gives everyone of an organization an account.
 * @returns the id of the job
 */
export function beginAccountsJob(
  unit: Unit,
  { organization, tenantId }: { organization: Pick<Organization, 'id'>; tenantId: string },
): Promise<string> {
  const input = { organizationId: organization.id, tenantId }
  return beginJob(unit, CREATE_ACCOUNTS, { input, target: organization.id })
}

/**
 * Gives a restored person an account, if everyone of their organization gets one. Their former keys do not work again.
 * @throws {DirectoryError} `platform_unavailable` if the tenant's platform is not configured in this process
 */
export async function giveAccountBack(
  unit: Unit,
  user: PersonIds,
  organization: Pick<Organization, 'pk' | 'id'>,
): Promise<void> {
  const place = await findAccountPlace(unit, organization.pk)
  if (!place) return
  const given = await giveAccount(unit, { user, organizationId: organization.id, place, isBack: true })
  if (given === 'waits') await beginAccountsJob(unit, { organization, tenantId: place.tenantId })
}
