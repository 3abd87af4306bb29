import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ExpiredError } from '../../src/auth/auth-error.ts'
import { newSessionCheck } from '../../src/auth/sessions.ts'
import { recordRestore } from '../../src/directory/audit.ts'
import { personContext } from '../../src/directory/context.ts'
import type { Directory } from '../../src/directory/directory.ts'
import { eraseUser } from '../../src/directory/erasure.ts'
import { getMe } from '../../src/directory/me.ts'
import {
  deleteOldSessions,
  endSession,
  endSessionsOf,
  findSession,
  listSessions,
  signOut,
} from '../../src/directory/sessions.ts'
import {
  bindIdentity,
  enterByIdentity,
  enterByLink,
  type SignedIn,
  switchPerson,
} from '../../src/directory/sign-in.ts'
import { createSignInLink, deleteOldLinks, type IssuedLink } from '../../src/directory/sign-in-links.ts'
import { deleteUser, resumeUser, suspendUser, updateUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import type { Context } from '../../src/model/context.ts'
import { newId } from '../../src/model/ids.ts'
import type { GroupName } from '../../src/model/users.ts'
import { withClock } from '../support/clock.ts'
import {
  addOrganization,
  newTestDirectory,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { countRows } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const GRACE = { firstName: 'Grace', lastName: 'Hopper', email: 'grace@example.com' }

function pass(on: TestDirectory, ms: number): void {
  on.clock.now = new Date(on.clock.now.getTime() + ms)
}

/** Enters by a link. */
function enter(
  { dir }: Pick<TestDirectory, 'dir'>,
  link: string | undefined,
  entered: Parameters<typeof enterByLink>[1]['entered'] = {},
  former?: string,
): Promise<SignedIn> {
  const request = { correlationId: newId(), address: '192.0.2.9', agent: 'Browser', former }
  return enterByLink(dir, { ...request, link: link ?? '', entered })
}

function enterAs(on: TestDirectory, sub: string, email: string): Promise<SignedIn> {
  const request = { correlationId: newId(), address: null, agent: null, former: undefined }
  const identity = { issuer: 'https://login.example', subject: sub, email, emailVerified: true }
  return enterByIdentity(on.dir, identity, request)
}

/** Adds a person to an organization; returns their id. */
async function addPerson(
  on: TestDirectory,
  organizationId: string,
  group: GroupName | null,
  email = `${newId()}@example.com`,
): Promise<string> {
  const id = group && on.setup.groups[group]
  const user = { firstName: 'P', lastName: 'Q', email, groupIds: id ? [id] : [] }
  return (await createUser(on.dir, on.operator, { organizationId, user })).id
}

/** Signs a person in by a link of the operator; returns the token, and the context of their calls. */
async function signIn(
  on: TestDirectory,
  user: string,
): Promise<{ token: string; ctx: Context; sessionId: string }> {
  const { token } = await enter(on, (await createSignInLink(on.dir, on.operator, { user })).token)
  const found = await findSession(on.dir, token)
  assert.ok(found)
  const { session, person } = found
  const ctx = personContext(person, { correlationId: newId(), address: null, session: session.id })
  return { token, ctx, sessionId: session.id }
}

const isLive = async (dir: Directory, token: string): Promise<boolean> =>
  (await findSession(dir, token)) !== undefined

/** People enter the console, and leave it. */
export function sessionsSuite(open: OpenStore): void {
  describe('one-time links', () => linkTests(open))
  describe('sessions', () => sessionTests(open))
  describe('sessions of others', () => reachTests(open))
  describe('sessions that end with the access', () => accessTests(open))
}

function linkTests(open: OpenStore): void {
  test('the link of the set-up makes the first Administrator, who says who they are', async () => {
    const on = await newTestDirectory(open)
    const link = on.setup.link?.token
    await assert.rejects(enter(on, link), refusedAs('invalid', 'firstName', 'lastName', 'email'))
    await assert.rejects(enter(on, link, { ...GRACE, email: 'no address' }), refusedAs('invalid', 'email'))
    await assert.rejects(enter(on, link, { ...GRACE, firstName: ' ' }), refusedAs('invalid', 'firstName'))
    assert.equal((await countRows(on.dir.store, ['users'])).users, 0)
    const { token, userId } = await enter(on, link, GRACE)
    const found = await findSession(on.dir, token)
    assert.deepEqual([found?.person.user.id, found?.person.permission], [userId, 'administrator'])
    assert.deepEqual(found?.person.organization.id, on.setup.provider.id)
    const [entry, made] = await readAudit(on.dir, 2)
    assert.deepEqual([entry?.operation, entry?.outcome, entry?.target], ['SignIn', 'begun', userId])
    assert.deepEqual([made?.operation, made?.target], ['CreateProviderUser', userId])
    for (const one of [entry, made]) assert.deepEqual(one?.caller, { kind: 'person', id: userId })
  })

  test('a link is good once, also for two people at the same moment', async () => {
    const on = await newTestDirectory(open)
    const both = await Promise.allSettled([
      enter(on, on.setup.link?.token, GRACE),
      enter(on, on.setup.link?.token, { ...GRACE, email: 'eve@example.com' }),
    ])
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
    await assert.rejects(enter(on, on.setup.link?.token, GRACE), refusedAs('link_not_valid'))
    assert.deepEqual(await countRows(on.dir.store, ['users', 'sessions']), { users: 1, sessions: 1 })
    const [entry] = await readAudit(on.dir, 1)
    assert.deepEqual(
      [entry?.operation, entry?.status, entry?.outcome],
      ['SignIn', 'Failed', 'link_not_valid'],
    )
  })

  test('a link is good for its time, and not longer', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.setup.provider.id, 'Administrator')
    const { ctx } = await signIn(on, id)
    const links: [IssuedLink, number][] = [
      [on.setup.link as IssuedLink, HOUR],
      [await createSignInLink(on.dir, on.operator, { user: id }), 10 * MINUTE],
      [await createSignInLink(on.dir, ctx, { user: id }), 24 * HOUR],
    ]
    const start = on.clock.now
    for (const [link, ms] of links) {
      on.clock.now = new Date(start.getTime() + ms)
      await assert.rejects(enter(on, link.token, GRACE), refusedAs('link_not_valid'))
      on.clock.now = new Date(start.getTime() + ms - 1)
      await enter(on, link.token, GRACE)
    }
    pass(on, 72 * HOUR)
    await deleteOldLinks(on.dir)
    assert.equal((await countRows(on.dir.store, ['sign_in_links'])).sign_in_links, 0)
  })

  test('only the hashes of links and sessions are stored, and no audit entry has a token', async () => {
    const on = await newTestDirectory(open)
    const { token } = await enter(on, on.setup.link?.token, GRACE)
    const rows = await on.dir.store.read(async (tx) => [
      await tx.query((db) => db.selectFrom('sessions').selectAll()),
      await tx.query((db) => db.selectFrom('sign_in_links').selectAll()),
    ])
    const all = JSON.stringify([rows, await readAudit(on.dir)])
    for (const secret of [token, on.setup.link?.token ?? '-']) assert.ok(!all.includes(secret))
  })

  test('a link fills in what a person lacks, and changes nothing that they have', async () => {
    const on = await newTestDirectory(open)
    const user = {
      firstName: null,
      lastName: 'Kept',
      email: 'kept@example.com',
      groupIds: [on.setup.groups.Viewer ?? ''],
    }
    const { id } = await createUser(on.dir, on.operator, { organizationId: on.resellerId, user })
    const link = await createSignInLink(on.dir, on.operator, { user: id })
    await assert.rejects(enter(on, link.token), refusedAs('invalid', 'firstName'))
    const { token } = await enter(on, link.token, { ...GRACE, email: 'other@example.com' })
    const found = await findSession(on.dir, token)
    const { firstName, lastName, email } = found?.person.user ?? {}
    assert.deepEqual([firstName, lastName, email], ['Grace', 'Kept', 'kept@example.com'])
    const [, change] = await readAudit(on.dir, 2)
    assert.deepEqual([change?.operation, change?.changedFields], ['UpdateUser', ['firstName']])
  })

  test('the first Administrator cannot take the address of another user', async () => {
    const on = await newTestDirectory(open)
    await addPerson(on, on.setup.provider.id, 'Viewer', 'GRACE@example.com')
    await assert.rejects(enter(on, on.setup.link?.token, GRACE), refusedAs('email_taken'))
    await enter(on, on.setup.link?.token, { ...GRACE, email: 'hopper@example.com' })
  })

  test('usher console link is for the only Administrator, or makes the first one, or asks for whom', async () => {
    const on = await newTestDirectory(open)
    assert.equal((await createSignInLink(on.dir, on.operator)).userId, null)
    const { userId } = await enter(on, (await createSignInLink(on.dir, on.operator)).token, GRACE)
    assert.equal((await createSignInLink(on.dir, on.operator)).userId, userId)
    await addPerson(on, on.setup.provider.id, 'Administrator')
    await assert.rejects(createSignInLink(on.dir, on.operator), refusedAs('person_not_found'))
  })

  test('the first Administrator voids the other links that would make one', async () => {
    const on = await newTestDirectory(open)
    await enter(on, (await createSignInLink(on.dir, on.operator)).token, GRACE)
    const late = enter(on, on.setup.link?.token, { ...GRACE, email: 'eve@example.com' })
    await assert.rejects(late, refusedAs('link_not_valid'))
    assert.equal((await countRows(on.dir.store, ['users'])).users, 1)
  })

  test('links are for people who may enter, and a reseller makes them for its own alone', async () => {
    const on = await newTestDirectory(open)
    const [provider, reseller] = [on.setup.provider.id, on.resellerId]
    const admin = await signIn(on, await addPerson(on, reseller, 'Administrator'))
    const own = await addPerson(on, reseller, 'Viewer')
    assert.equal((await createSignInLink(on.dir, admin.ctx, { user: own })).userId, own)
    const other = await addOrganization(on, 'reseller')
    for (const id of [provider, other.id, on.customerId]) {
      const user = await addPerson(on, id, 'Administrator')
      await assert.rejects(createSignInLink(on.dir, admin.ctx, { user }), refusedAs('user_not_found'))
    }
    for (const [id, group] of [
      [provider, null],
      [provider, 'Alert Manager'],
      [on.customerId, 'Administrator'],
    ] as const) {
      const user = await addPerson(on, id, group)
      await assert.rejects(createSignInLink(on.dir, on.operator, { user }), refusedAs('person_not_permitted'))
    }
    const viewer = await signIn(on, own)
    await assert.rejects(createSignInLink(on.dir, viewer.ctx, { user: own }), refusedAs('not_permitted'))
  })
}

function sessionTests(open: OpenStore): void {
  test('a session ends after an hour without use, and after twelve in any case', async () => {
    const on = await newTestDirectory(open)
    const { token } = await signIn(on, await addPerson(on, on.resellerId, 'Viewer'))
    const check = newSessionCheck(on.dir)
    await withClock(async (age) => {
      for (let minutes = 0; minutes < 12 * 60 - 59; minutes += 59) {
        await check(token)
        pass(on, 59 * MINUTE)
        age(59 * MINUTE)
      }
      assert.equal(await isLive(on.dir, token), true)
      pass(on, 59 * MINUTE)
      assert.equal(await isLive(on.dir, token), false)
    })
    const idle = await signIn(on, await addPerson(on, on.resellerId, 'Viewer'))
    pass(on, HOUR - 1)
    assert.equal(await isLive(on.dir, idle.token), true)
    pass(on, 1)
    assert.equal(await isLive(on.dir, idle.token), false)
    await assert.rejects(newSessionCheck(on.dir)(idle.token), ExpiredError)
    await deleteOldSessions(on.dir)
    assert.equal((await countRows(on.dir.store, ['sessions'])).sessions, 0)
  })

  test('a sign-in makes a new session, and ends the one that the browser had', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Viewer')
    const { token } = await signIn(on, id)
    const link = await createSignInLink(on.dir, on.operator, { user: id })
    const again = await enter(on, link.token, {}, token)
    assert.notEqual(again.token, token)
    assert.deepEqual([await isLive(on.dir, token), await isLive(on.dir, again.token)], [false, true])
    // A token that was set from outside does not become a session.
    const next = await createSignInLink(on.dir, on.operator, { user: id })
    const chosen = 'A'.repeat(43)
    assert.notEqual((await enter(on, next.token, {}, chosen)).token, chosen)
    assert.equal(await isLive(on.dir, chosen), false)
  })

  test('a person has at most 20 sessions, and sees their own alone', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Administrator')
    const other = await signIn(on, await addPerson(on, on.resellerId, 'Administrator'))
    const first = await signIn(on, id)
    let last = first
    for (let i = 0; i < 20; i++) last = await signIn(on, id)
    assert.deepEqual([await isLive(on.dir, first.token), await isLive(on.dir, last.token)], [false, true])
    const own = await listSessions(on.dir, last.ctx, { limit: 1 })
    assert.equal(own.length, 20)
    assert.equal(own[0]?.id, last.sessionId)
    // A person cannot ask for the sessions of another.
    const foreign = await listSessions(on.dir, other.ctx, { user: id, limit: 10 })
    assert.deepEqual(
      foreign.map((one) => one.id),
      [other.sessionId],
    )
    assert.equal((await listSessions(on.dir, on.operator, { limit: 100 })).length, 21)
    assert.equal((await listSessions(on.dir, on.operator, { user: id, limit: 1 })).length, 20)
  })

  test('signing out ends the session of the call', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Viewer')
    const [one, other] = [await signIn(on, id), await signIn(on, id)]
    await signOut(on.dir, one.ctx)
    assert.deepEqual([await isLive(on.dir, one.token), await isLive(on.dir, other.token)], [false, true])
    await assert.rejects(signOut(on.dir, one.ctx), refusedAs('session_not_found'))
    await assert.rejects(getMe(on.dir, one.ctx), refusedAs('session_not_found'))
    const entry = (await readAudit(on.dir)).find(({ operation }) => operation === 'SignOut')
    assert.deepEqual([entry?.target, entry?.outcome], [id, 'session_not_found'])
  })

  test('going on in another organization keeps the end of the session, and works once', async () => {
    const on = await newTestDirectory(open)
    await addPerson(on, on.setup.provider.id, 'Viewer', 'both@example.com')
    const other = await addPerson(on, on.resellerId, 'Administrator', 'both@example.com')
    const { token } = await enterAs(on, 'both', 'both@example.com')
    const first = await findSession(on.dir, token)
    assert.ok(first)
    pass(on, 59 * MINUTE)
    const request = { correlationId: newId(), address: null, session: first.session.id }
    const ctx = personContext(first.person, request)
    const both = await Promise.allSettled([1, 2].map(() => switchPerson(on.dir, ctx, other)))
    const [switched, ...others] = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    assert.deepEqual([switched?.userId, others], [other, []])
    const next = await findSession(on.dir, switched?.token ?? '')
    assert.equal(next?.session.expiresAt, first.session.expiresAt)
    assert.equal((await countRows(on.dir.store, ['sessions'])).sessions, 1)
  })

  test('connecting a sign-in ends the session in which it began, which its browser does not name', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Viewer')
    const { token, sessionId } = await signIn(on, id)
    const identity = { issuer: 'https://login.example', subject: 'ada', email: null, emailVerified: false }
    const request = { correlationId: newId(), address: null, agent: null, former: undefined, sessionId }
    const bound = await bindIdentity(on.dir, identity, request)
    assert.deepEqual([await isLive(on.dir, token), await isLive(on.dir, bound.token)], [false, true])
    await assert.rejects(bindIdentity(on.dir, identity, request), refusedAs('person_not_permitted'))
  })

  test('no one is signed in after a restore', async () => {
    const on = await newTestDirectory(open)
    const { token } = await signIn(on, await addPerson(on, on.resellerId, 'Viewer'))
    await recordRestore(on.dir, on.operator)
    assert.equal(await isLive(on.dir, token), false)
    await assert.rejects(enter(on, on.setup.link?.token, GRACE), refusedAs('link_not_valid'))
  })
}

function reachTests(open: OpenStore): void {
  test('administrators end sessions of people below them, viewers their own alone', async () => {
    const on = await newTestDirectory(open)
    const { provider } = on.setup
    const other = await addOrganization(on, 'reseller')
    const people = {
      pa: await addPerson(on, provider.id, 'Administrator'),
      pv: await addPerson(on, provider.id, 'Viewer'),
      ra: await addPerson(on, on.resellerId, 'Administrator'),
      rv: await addPerson(on, on.resellerId, 'Viewer'),
      oa: await addPerson(on, other.id, 'Administrator'),
    }
    const mayEnd: Record<string, readonly string[]> = {
      pa: ['pa', 'pv', 'ra', 'rv', 'oa'],
      pv: ['pv'],
      ra: ['ra', 'rv'],
      rv: ['rv'],
    }
    for (const [who, whose] of Object.entries(mayEnd)) {
      for (const [name, id] of Object.entries(people)) {
        const { ctx } = await signIn(on, people[who as 'pa'])
        const target = await signIn(on, id)
        const ended = endSession(on.dir, ctx, target.sessionId)
        if (whose.includes(name)) await ended
        else await assert.rejects(ended, refusedAs('session_not_found'), `${who} ${name}`)
        assert.equal(await isLive(on.dir, target.token), !whose.includes(name))
        const all = endSessionsOf(on.dir, ctx, { user: id })
        if (whose.includes(name)) await all
        else await assert.rejects(all, refusedAs('user_not_found'), `${who} ${name}`)
      }
    }
  })
}

function accessTests(open: OpenStore): void {
  test('whatever takes the access away ends the session on every node within 5 seconds', async () => {
    const on = await newTestDirectory(open)
    const { dir, operator } = on
    const node = newSessionCheck({ ...dir, changes: { count: 0 } })
    const takeAway: Record<string, (id: string) => Promise<unknown>> = {
      suspended: (user) => suspendUser(dir, operator, { user, force: true }),
      deleted: (user) => deleteUser(dir, operator, { user, force: true }),
      demoted: (user) => updateUser(dir, operator, { user, force: true, changes: { groupIds: [] } }),
      ended: (user) => endSessionsOf(dir, operator, { user }),
    }
    await withClock(async (age) => {
      for (const [what, take] of Object.entries(takeAway)) {
        const id = await addPerson(on, on.resellerId, 'Administrator')
        const { token } = await signIn(on, id)
        await node(token)
        await take(id)
        age(2_001)
        await assert.rejects(node(token), ExpiredError, what)
      }
    })
  })

  test('an administrator who becomes a viewer goes on as a viewer', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Administrator')
    const { token } = await signIn(on, id)
    const changes = { groupIds: [on.setup.groups.Viewer ?? ''] }
    await updateUser(on.dir, on.operator, { user: id, force: true, changes })
    assert.equal((await newSessionCheck(on.dir)(token)).person.permission, 'viewer')
  })

  test('a resume brings back neither sessions nor links', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Viewer')
    const { token } = await signIn(on, id)
    const link = await createSignInLink(on.dir, on.operator, { user: id })
    await suspendUser(on.dir, on.operator, { user: id })
    await resumeUser(on.dir, on.operator, { user: id })
    assert.equal(await isLive(on.dir, token), false)
    await assert.rejects(enter(on, link.token), refusedAs('link_not_valid'))
  })

  test('a link of a person who lost their group is refused, with an audit entry about them', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Viewer')
    const link = await createSignInLink(on.dir, on.operator, { user: id })
    await updateUser(on.dir, on.operator, { user: id, changes: { groupIds: [] } })
    await assert.rejects(enter(on, link.token), refusedAs('person_not_permitted'))
    const [entry] = await readAudit(on.dir, 1)
    assert.deepEqual([entry?.caller, entry?.target], [{ kind: 'person', id }, id])
  })

  test('a group of one organization gives no permission, whatever its name', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Viewer')
    const { token } = await signIn(on, id)
    await on.dir.store.write(async (tx) => {
      const [user] = await tx.query((db) => db.selectFrom('users').selectAll().where('id', '=', id))
      const of = { provider_pk: user?.provider_pk ?? 0, organization_pk: user?.organization_pk ?? 0 }
      await tx.query((db) => db.insertInto('groups').values({ id: 'custom', name: 'Administrator', ...of }))
      const [group] = await tx.query((db) => db.selectFrom('groups').select('pk').where('id', '=', 'custom'))
      const row = { user_pk: user?.pk ?? 0, group_pk: group?.pk ?? 0 }
      await tx.query((db) => db.insertInto('memberships').values(row))
    })
    assert.equal((await findSession(on.dir, token))?.person.permission, 'viewer')
  })

  test('an erasure deletes the sessions, links and identities of a person', async () => {
    const on = await newTestDirectory(open)
    const id = await addPerson(on, on.resellerId, 'Viewer', 'ada@example.com')
    await enterAs(on, 'ada', 'ada@example.com')
    await createSignInLink(on.dir, on.operator, { user: id })
    await eraseUser(on.dir, on.operator, { user: id, force: true })
    const rows = await countRows(on.dir.store, ['sessions', 'identities'])
    assert.deepEqual(rows, { sessions: 0, identities: 0 })
  })

  test('an identity whose user was deleted becomes the new user with the verified e-mail', async () => {
    const on = await newTestDirectory(open)
    const first = await addPerson(on, on.resellerId, 'Viewer', 'ada@example.com')
    assert.equal((await enterAs(on, 'ada', 'ada@example.com')).userId, first)
    await suspendUser(on.dir, on.operator, { user: first })
    const other = await addPerson(on, on.setup.provider.id, 'Administrator', 'ada@example.com')
    // Suspended is not gone: the identity stays this user, and enters as no other.
    await assert.rejects(enterAs(on, 'ada', 'ada@example.com'), refusedAs('person_not_permitted'))
    await deleteUser(on.dir, on.operator, { user: first })
    assert.equal((await enterAs(on, 'ada', 'ada@example.com')).userId, other)
  })
}
