import type { Organization } from '../model/organizations.ts'
import { type FollowCursor, followOrganization } from '../store/accounts/following.ts'
import { selectOrganization } from '../store/tables/organizations.ts'
import { beginJob } from './jobs/jobs.ts'
import type { JobKind } from './jobs/kind.ts'
import type { Unit } from './unit.ts'

/** How many accounts one unit looks at: about 15 microseconds each on SQLite. */
const LOOKED_AT = 500

interface Input {
  readonly organizationId: string
}

interface Cursor {
  readonly from: FollowCursor
  readonly changed: number
}

/** Makes the accounts of an organization follow the organization's status. */
export const FOLLOW_ORGANIZATION: JobKind<Input, Cursor> = {
  operation: 'FollowOrganization',
  async step({ tx, now }, { input, cursor }) {
    const organization = await selectOrganization(tx, input.organizationId)
    if (!organization) return { result: { accounts: 0 } }
    const page = { from: cursor?.from, limit: LOOKED_AT, now }
    const found = await followOrganization(tx, organization.pk, page)
    const changed = (cursor?.changed ?? 0) + found.changed
    if (!found.next) return { result: { accounts: changed }, done: changed }
    return { cursor: { from: found.next, changed }, done: changed }
  },
}

/**
 * Makes the accounts of an organization follow a change of its status, in the unit that changes it: the first accounts
 * at once, the others by a job. The job begins at the first account, because an account may be created at the same
 * moment as the change. The reconciler applies what has changed.
 * @returns the id of the job
 */
export async function followStatus(unit: Unit, organization: Organization): Promise<string> {
  await followOrganization(unit.tx, organization.pk, { limit: LOOKED_AT, now: unit.now })
  const { id } = organization
  return beginJob(unit, FOLLOW_ORGANIZATION, { input: { organizationId: id }, target: id })
}
