import type { Change } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError, toInvalid } from '../model/error.ts'
import { foldId, NIL_UUID, newId } from '../model/ids.ts'
import type { Organization } from '../model/organizations.ts'
import {
  checkEnteredPerson,
  type EnteredPerson,
  type Identity,
  MAX_SESSIONS,
  type Person,
  SESSION_MAX_MS,
  type Session,
  type SignInMethod,
  type VerifiedIdentity,
} from '../model/sessions.ts'
import { MAX_TEXT } from '../model/text.ts'
import type { User } from '../model/users.ts'
import type { Tx } from '../store/port.ts'
import { insertIdentity, selectUsersOfIdentity } from '../store/tables/identities.ts'
import { selectProvider } from '../store/tables/organizations.ts'
import { selectPeopleByEmail, selectUserByPk } from '../store/tables/people.ts'
import {
  deleteOldestSessions,
  deleteSession,
  insertSession,
  selectSession,
  selectSessionByHash,
} from '../store/tables/sessions.ts'
import {
  deleteFirstSignInLinks,
  markSignInLinkUsed,
  type SignInLink,
  selectSignInLink,
} from '../store/tables/sign-in-links.ts'
import { ADMINISTRATOR } from './administrators.ts'
import { personContext } from './context.ts'
import { type Directory, forgetCached } from './directory.ts'
import { getGroups } from './groups.ts'
import { findPeople, findPerson } from './people.ts'
import { notPermittedToEnter } from './sign-in-links.ts'
import { hashSignInToken, newSignInToken } from './sign-in-tokens.ts'
import { emailTaken } from './taken.ts'
import { enforceAccess, read, refuse, runUnit, type Unit } from './unit.ts'
import { changeUser } from './user-changes.ts'
import { toNewUserRow } from './users.ts'

/** The request by which a person signs in. */
export interface SignInRequest {
  readonly correlationId: string
  readonly address: string | null
  /** The User-Agent of the browser. */
  readonly agent: string | null
  /** The token of the session that the browser has: the new one replaces it. */
  readonly former: string | undefined
}

/** A new session. Its token is for the cookie of the browser; only its hash is stored. */
export interface SignedIn {
  readonly token: string
  readonly userId: string
}

/**
 * Signs a person in by a one-time link, and stores the names and the e-mail that they enter, where they have none. The
 * link of the set-up makes the first Administrator of the provider.
 * @throws {DirectoryError} `link_not_valid` for a link that is unknown, used or too old; `invalid` naming what the
 *   person must enter: the link stays good; `person_not_permitted`, `email_taken`, `store_unavailable`
 */
export async function enterByLink(
  dir: Directory,
  request: SignInRequest & { readonly link: string; readonly entered: EnteredPerson },
): Promise<SignedIn> {
  const hash = hashSignInToken(request.link)
  const found = hash === undefined ? undefined : await read(dir, (tx) => readLink(tx, hash))
  if (!found) throw linkNotValid()
  const { link, user, person, provider } = found
  const about = { request, userId: user?.id ?? null, provider }
  if (link.usedAt !== null || link.expiresAt <= dir.now().toISOString())
    return refuseSignIn(dir, about, linkNotValid())
  if (user && !person) return refuseSignIn(dir, about, notPermittedToEnter())
  const given = pickMissing(user, request.entered)
  const issues = checkEnteredPerson({ ...NAMELESS, ...user, ...given })
  if (issues.length > 0) throw toInvalid(issues)
  const who = person ?? { user: { id: newId() }, organization: provider, permission: 'administrator' }
  const ctx = personContext(who, request)
  const subject = { operation: 'SignIn', target: who.user.id } as const
  return runSignIn(dir, ctx, subject, async (unit) => {
    if (!(await markSignInLinkUsed(unit.tx, link.pk, unit.now))) throw linkNotValid()
    const pk = person
      ? await completePerson(dir, unit, { person, given })
      : await createAdministrator(dir, unit, { ...NAMELESS, ...given, id: who.user.id })
    return beginSession(unit, { userPk: pk, method: 'link', identity: null, request })
  })
}

const NAMELESS = { firstName: null, lastName: null, email: null } as const
const NAMES = ['firstName', 'lastName', 'email'] as const

/** Returns what the person entered, for members that they do not have yet. */
function pickMissing(user: User | undefined, entered: EnteredPerson): EnteredPerson {
  const missing = NAMES.filter((name) => (user?.[name] ?? '').trim() === '')
  return Object.fromEntries(
    missing.flatMap((name) => (entered[name] === undefined ? [] : [[name, entered[name].trim()]])),
  )
}

interface FoundLink {
  readonly link: SignInLink
  readonly user: User | undefined
  readonly person: Person | undefined
  readonly provider: Organization
}

async function readLink(tx: Tx, hash: string): Promise<FoundLink | undefined> {
  const link = await selectSignInLink(tx, hash)
  const provider = await selectProvider(tx)
  if (!link || !provider) return undefined
  const user = link.userPk === null ? undefined : await selectUserByPk(tx, link.userPk)
  return { link, provider, user, person: user && (await findPerson(tx, user.pk)) }
}

function linkNotValid(): DirectoryError {
  return new DirectoryError(
    'link_not_valid',
    'This link is not good: it was used, it is too old, or it was cut off. usher console link makes a new one, and so ' +
      'does an administrator.',
  )
}

async function completePerson(
  dir: Directory,
  unit: Unit,
  { person, given }: { readonly person: Person; readonly given: EnteredPerson },
): Promise<number> {
  if (Object.keys(given).length > 0) {
    const audit: Unit['audit'] = (details) => unit.audit({ operation: 'UpdateUser', ...details })
    await changeUser(dir, { ...unit, audit }, { ...person, changes: given })
  }
  return person.user.pk
}

/** @throws {DirectoryError} `email_taken` */
async function createAdministrator(
  dir: Directory,
  unit: Unit,
  person: Pick<User, 'id' | 'firstName' | 'lastName' | 'email'>,
): Promise<number> {
  const organization = unit.ctx.organization
  const groups = (await getGroups(dir, unit)).filter(({ name }) => name === ADMINISTRATOR)
  const row = toNewUserRow(
    unit,
    { ...person, organization, reseller: null, groups, besideDeleted: true },
    { operation: 'CreateProviderUser', outcome: 'created', changedFields: [...NAMES, 'groups'] },
  )
  const [pk = 'refused'] = await unit.tx.insertUsers([row])
  if (pk === 'refused') throw emailTaken()
  // Another link would make another Administrator.
  await deleteFirstSignInLinks(unit.tx)
  return pk
}

/**
 * Signs a person in who has proved at an OpenID provider who they are. The first time, a verified e-mail says which
 * users they are; after that, the issuer and the subject alone. A person who is a user of several organizations
 * enters as the one of the provider, or the oldest.
 * @throws {DirectoryError} `person_not_found`, `email_not_verified`, `person_not_permitted`, `store_unavailable`
 */
export async function enterByIdentity(
  dir: Directory,
  identity: VerifiedIdentity,
  request: SignInRequest,
): Promise<SignedIn> {
  const { known, matches, people, provider } = await read(dir, (tx) => readIdentity(tx, identity))
  const [person] = people
  const [first] = matches
  const about = { request, userId: first?.id ?? null, provider }
  if (!known && identity.email !== null && !identity.emailVerified)
    return refuseSignIn(dir, { ...about, userId: null }, emailNotVerified())
  if (!first) return refuseSignIn(dir, about, personNotFound(identity.email))
  if (!person) return refuseSignIn(dir, about, notPermittedToEnter())
  const subject = { operation: 'SignIn', target: person.user.id } as const
  return runSignIn(dir, personContext(person, request), subject, async (unit) => {
    if (!known) for (const one of people) await bind(unit, one, identity)
    return beginSession(unit, { userPk: person.user.pk, method: 'oidc', identity, request })
  })
}

async function readIdentity(tx: Tx, identity: VerifiedIdentity) {
  const provider = await selectProvider(tx)
  const bound = await selectUsersOfIdentity(tx, identity)
  const { email, emailVerified } = identity
  const known = bound.length > 0
  const pks = known ? bound : email !== null && emailVerified ? await selectPeopleByEmail(tx, email) : []
  const first = pks[0] === undefined ? undefined : await selectUserByPk(tx, pks[0])
  const people = await findPeople(tx, pks)
  return { provider: provider as Organization, known, matches: first ? [first] : [], people }
}

async function bind(unit: Unit, { user, organization }: Person, identity: Identity): Promise<void> {
  if (!(await insertIdentity(unit.tx, identity, { user: user.pk, now: unit.now }))) return
  await unit.audit({
    operation: 'BindIdentity',
    outcome: 'linked',
    organization: organization.id,
    target: user.id,
    changes: [{ name: 'issuer', before: null, after: identity.issuer }],
  })
}

/**
 * Records that a signed-in person is a person at an OpenID provider, and signs them in as such. So people enter whose
 * issuer does not verify their e-mail.
 * @param request.userId the person who began this, signed in
 * @throws {DirectoryError} `person_not_permitted`, `session_not_found`, `store_unavailable`
 */
export async function bindIdentity(
  dir: Directory,
  identity: VerifiedIdentity,
  request: SignInRequest & { readonly sessionId: string },
): Promise<SignedIn> {
  const { person, provider } = await read(dir, async (tx) => {
    const session = await selectSession(tx, request.sessionId)
    const found = session && (await findPerson(tx, session.userPk))
    return { person: found, provider: (await selectProvider(tx)) as Organization }
  })
  if (!person) return refuseSignIn(dir, { request, userId: null, provider }, notPermittedToEnter())
  const subject = { operation: 'BindIdentity', target: person.user.id } as const
  return runSignIn(dir, personContext(person, request), subject, async (unit) => {
    await bind(unit, person, identity)
    // The browser sends no cookie of the session when it comes back from another site.
    const { sessionId } = request
    return beginSession(unit, { userPk: person.user.pk, method: 'oidc', identity, request, sessionId })
  })
}

/**
 * Lets a person go on as another user that they are at the same OpenID provider, in another organization.
 * @throws {DirectoryError} `not_permitted`, `person_not_found`, `session_not_found`, `store_unavailable`
 */
export async function switchPerson(dir: Directory, ctx: Context, userId: string): Promise<SignedIn> {
  const { caller, correlationId, address } = ctx
  const about = { operation: 'SignIn', target: userId } as const
  await enforceAccess(dir, ctx, about)
  const sessionId = caller.kind === 'person' ? (caller.session ?? '') : ''
  const { session, people } = await read(dir, async (tx) => {
    const found = await selectSession(tx, sessionId)
    const bound = found?.identity ? await selectUsersOfIdentity(tx, found.identity) : []
    return { session: found, people: await findPeople(tx, bound) }
  })
  const person = people.find(({ user }) => user.id === foldId(userId))
  if (!session || !person) return refuse(dir, ctx, about, personNotFound(null))
  const { identity, agent } = session
  const request = { correlationId, address, agent, former: undefined }
  return runSignIn(dir, personContext(person, request), about, (unit) =>
    beginSession(unit, {
      ...{ userPk: person.user.pk, method: 'oidc', identity, request, sessionId },
      expiresAt: session.expiresAt,
    }),
  )
}

interface NewSession {
  readonly userPk: number
  readonly method: SignInMethod
  readonly identity: Identity | null
  readonly request: SignInRequest
  /** The id of the session that it replaces; the one of `request.former` when left out. */
  readonly sessionId?: string
  /** When it ends, if the person did not prove again who they are; SESSION_MAX_MS from now when left out. */
  readonly expiresAt?: string
}

/**
 * Begins a session inside a unit, and writes the audit entry. It replaces the one that the browser had.
 * @throws {DirectoryError} `session_not_found` if the session that it is to replace ended meanwhile
 */
async function beginSession(unit: Unit, session: NewSession): Promise<SignedIn> {
  const { tx, now, ctx } = unit
  const { userPk, method, identity, request } = session
  const replaced = await findReplaced(tx, session)
  const isReplaced = replaced !== undefined && (await deleteSession(tx, replaced.pk))
  if (session.sessionId !== undefined && !isReplaced)
    throw new DirectoryError('session_not_found', 'The session has ended; sign in again.')
  const { token, hash } = newSignInToken()
  const id = newId()
  const { issuer, subject } = identity ?? { issuer: null, subject: null }
  const { address } = ctx
  const agent = request.agent?.slice(0, MAX_TEXT).toWellFormed() ?? null
  const { expiresAt = new Date(Date.parse(now) + SESSION_MAX_MS).toISOString() } = session
  await insertSession(tx, {
    ...{ id, hash, user: userPk, method, issuer, subject, address, agent, now, expiresAt },
  })
  await deleteOldestSessions(tx, userPk, MAX_SESSIONS)
  const userId = 'id' in ctx.caller ? ctx.caller.id : ''
  const changes: Change[] = [
    { name: 'session', before: replaced?.userPk === userPk ? replaced.id : null, after: id },
    { name: 'method', before: null, after: method },
  ]
  await unit.audit({ operation: 'SignIn', outcome: 'begun', target: userId, changes })
  return { token, userId }
}

function findReplaced(tx: Tx, { request: { former }, sessionId }: NewSession): Promise<Session | undefined> {
  if (sessionId !== undefined) return selectSession(tx, sessionId)
  const hash = former === undefined ? undefined : hashSignInToken(former)
  return hash === undefined ? Promise.resolve(undefined) : selectSessionByHash(tx, hash)
}

async function runSignIn(
  dir: Directory,
  ctx: Context,
  subject: { operation: 'SignIn' | 'BindIdentity'; target: string },
  work: (unit: Unit) => Promise<SignedIn>,
): Promise<SignedIn> {
  const signedIn = await runUnit(dir, ctx, subject, work)
  // The session that the browser had before ends at once in this process.
  forgetCached(dir)
  return signedIn
}

/** Writes the audit entry of a refused sign-in, then throws the refusal. The nil UUID stands for an unknown person. */
function refuseSignIn(
  dir: Directory,
  about: { request: SignInRequest; userId: string | null; provider: Organization },
  error: DirectoryError,
): Promise<never> {
  const { request, userId, provider } = about
  const who = { user: { id: userId ?? NIL_UUID }, organization: provider, permission: 'viewer' } as const
  return refuse(dir, personContext(who, request), { operation: 'SignIn', target: userId }, error)
}

function personNotFound(email: string | null): DirectoryError {
  const message =
    email === null
      ? 'The sign-in service names no e-mail address, so it does not say who you are here.'
      : 'There is no user of the provider or of a reseller with your e-mail address.'
  return new DirectoryError('person_not_found', `${message} Ask an administrator for a one-time link.`)
}

function emailNotVerified(): DirectoryError {
  return new DirectoryError(
    'email_not_verified',
    'The sign-in service has not verified your e-mail address. Ask an administrator for a one-time link, enter by it, ' +
      'and connect your sign-in there.',
  )
}
