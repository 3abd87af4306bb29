import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import { LINK_MS } from '../model/sessions.ts'
import { DAY_MS } from '../model/times.ts'
import { selectActiveMembers } from '../store/tables/groups.ts'
import { deleteExpiredLinks, deleteUsableLinksOf, insertSignInLink } from '../store/tables/sign-in-links.ts'
import { ADMINISTRATOR } from './administrators.ts'
import type { Directory } from './directory.ts'
import { findPerson } from './people.ts'
import { getReachableUser, type ReachableUser, type UserRef } from './reach.ts'
import { newSignInToken } from './sign-in-tokens.ts'
import { runUnit, type Unit, write } from './unit.ts'

/** A one-time link. Its token is shown once, and only its hash is stored. */
export interface IssuedLink {
  readonly token: string
  /** ISO 8601. */
  readonly expiresAt: string
  /** The id of the user who enters by it; null if the link makes the first Administrator. */
  readonly userId: string | null
}

/**
 * Makes a one-time link for a person. A link of the operator is good for 10 minutes, one of an administrator for 24
 * hours.
 * @param request.user the id of the person, or their e-mail; the only Administrator of the provider when left out. If
 *   the provider has none, the link makes the first one
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `email_ambiguous`, `person_not_permitted`,
 *   `store_unavailable`; `person_not_found` if no user is named and the provider has several Administrators
 */
export function createSignInLink(
  dir: Directory,
  ctx: Context,
  request: Partial<UserRef> = {},
): Promise<IssuedLink> {
  const isOperator = ctx.caller.kind === 'operator'
  return runUnit(dir, ctx, { operation: 'CreateSignInLink', returnsSecret: true }, async (unit) => {
    const found = await findEntering(unit, request)
    return issueLink(unit, { found, ms: isOperator ? LINK_MS.operator : LINK_MS.person })
  })
}

/**
 * Makes a one-time link inside a unit, and writes the audit entry.
 * @param link.found the user who enters by it; null for the first Administrator of the provider
 * @param link.ms how long it is good, in milliseconds
 */
export async function issueLink(
  unit: Unit,
  { found, ms }: { readonly found: ReachableUser | null; readonly ms: number },
): Promise<IssuedLink> {
  const { tx, now } = unit
  const { token, hash } = newSignInToken()
  const expiresAt = new Date(Date.parse(now) + ms).toISOString()
  await insertSignInLink(tx, { id: newId(), hash, user: found?.user.pk ?? null, now, expiresAt })
  await unit.audit({
    operation: 'CreateSignInLink',
    outcome: 'created',
    organization: found?.organization.id ?? null,
    target: found?.user.id ?? null,
    changes: [{ name: 'expiresAt', before: null, after: expiresAt }],
  })
  return { token, expiresAt, userId: found?.user.id ?? null }
}

/**
 * Voids the links of a person that were not used.
 * @returns how many
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `email_ambiguous`, `store_unavailable`
 */
export function deleteSignInLinks(dir: Directory, ctx: Context, ref: UserRef): Promise<number> {
  return runUnit(dir, ctx, { operation: 'DeleteSignInLink' }, async (unit) => {
    const { user, organization } = await getOwnPerson(unit, ref)
    const count = await deleteUsableLinksOf(unit.tx, user.pk, unit.now)
    const changes = [{ name: 'links', before: count, after: 0 }]
    await unit.audit({ outcome: 'revoked', organization: organization.id, target: user.id, changes })
    return count
  })
}

/**
 * Returns a user for whom the caller may make links: of a reseller, its own alone.
 * @throws {DirectoryError} `user_not_found`
 */
async function getOwnPerson(unit: Unit, ref: UserRef): Promise<ReachableUser> {
  const found = await getReachableUser(unit, ref)
  const own = unit.ctx.organization
  if (own.kind === 'provider' || found.organization.pk === own.pk) return found
  throw new DirectoryError('user_not_found', `There is no user with the id ${ref.user}.`)
}

/** Returns the user that a link is for; null for the first Administrator of the provider. */
async function findEntering(
  unit: Unit,
  { user, ...narrowed }: Partial<UserRef>,
): Promise<ReachableUser | null> {
  if (user === undefined) return findAdministrator(unit)
  const found = await getOwnPerson(unit, { user, ...narrowed })
  if (!(await findPerson(unit.tx, found.user.pk))) throw notPermittedToEnter()
  return found
}

async function findAdministrator({ tx, ctx }: Unit): Promise<ReachableUser | null> {
  const { pk, providerPk } = ctx.organization
  const group = { provider: providerPk, name: ADMINISTRATOR }
  const [only, ...others] = await selectActiveMembers(tx, group, { organization: pk, limit: 2 })
  if (only === undefined) return null
  const person = await findPerson(tx, only)
  if (person && others.length === 0) return person
  throw new DirectoryError(
    'person_not_found',
    'The provider has several Administrators: name the one who enters, with --user.',
  )
}

/** Makes the refusal of a user who may not enter the console. */
export function notPermittedToEnter(): DirectoryError {
  return new DirectoryError(
    'person_not_permitted',
    'Only active users of the provider or of a reseller enter the console, who are in the group Administrator or ' +
      'Viewer. An administrator can add this user to a group.',
  )
}

/** How long a link is kept after its end, so that its use is refused in the audit log with its person. */
const KEEP_LINKS_MS = DAY_MS

/**
 * Deletes old links.
 * @throws {DirectoryError} `store_unavailable`
 */
export function deleteOldLinks(dir: Directory): Promise<void> {
  const before = new Date(dir.now().getTime() - KEEP_LINKS_MS).toISOString()
  return write(dir, (tx) => deleteExpiredLinks(tx, before))
}
