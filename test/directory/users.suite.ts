import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ChangedUsers, listChangedUsers } from '../../src/directory/changed-users.ts'
import { applyBulkRows, beginBulk, endBulk } from '../../src/directory/imports/bulk.ts'
import { followUsers } from '../../src/directory/list-follower.ts'
import type { CreateUserResult } from '../../src/directory/repeated-creates.ts'
import { deleteUser, getUser, updateUser } from '../../src/directory/user-changes.ts'
import { listUsers } from '../../src/directory/user-lists.ts'
import { createUser } from '../../src/directory/users.ts'
import { newId } from '../../src/model/ids.ts'
import { toTextRow } from '../../src/model/person-rows.ts'
import type { NewUser } from '../../src/model/users.ts'
import { markUserDeleted, touchUser } from '../../src/store/tables/users.ts'
import { selectOldestUnlisted } from '../../src/store/users/unlisted-users.ts'
import {
  addOrganization,
  listPeople,
  newTestDirectory,
  newUser,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { CONTENT_TABLES, countRows, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

interface Place {
  readonly organizationId?: string
  readonly resellerId?: string
}

function create(
  on: TestDirectory,
  change: Partial<NewUser> = {},
  place: Place = {},
): Promise<CreateUserResult> {
  const { dir, provider, customerId } = on
  return createUser(dir, provider, { organizationId: customerId, ...place, user: newUser(change) })
}

async function newestEntry(on: TestDirectory): Promise<object> {
  const [entry] = await readAudit(on.dir, 1)
  const { operation, status, outcome, target, changedFields } = entry ?? assert.fail('no entry')
  return { operation, status, outcome, target, changedFields }
}

/** Creates of users: new ones, repeated ones, conflicts. Deletes and restores. */
export function usersSuite(open: OpenStore): void {
  describe('creating users', () => {
    newTests(open)
    lateTests(open)
    repeatTests(open)
    conflictTests(open)
    idTests(open)
    restoreTests(open)
    raceTests(open)
    backlogTests(open)
  })
}

function backlogTests(open: OpenStore): void {
  test('while very many users wait for the lists, a list has the newest of them, and later all', async () => {
    const on = await newTestDirectory(open)
    const { dir, provider, customerId: id } = on
    await addInBulk(
      on,
      Array.from({ length: 1_500 }, (_, i) => `${i}@x.example`),
    )
    await create(on)
    dir.listing.isBehind = true
    const list = async (search: string): Promise<number> => {
      const order = { by: 'name', ascending: true } as const
      const request = { organization: { id }, search, order, page: { offset: 0, limit: 2 } }
      return (await listUsers(dir, provider, request)).total
    }
    assert.equal(await list('lovelace'), 1)
    assert.notEqual(await dir.store.read(selectOldestUnlisted), undefined)
    assert.equal(dir.listing.isBehind, true)
    while (dir.listing.isBehind) await followUsers(dir, new AbortController().signal)
    assert.equal(await list('person'), 1_500)
  })
}

async function addInBulk(
  { dir, provider: ctx, customerId: organizationId }: TestDirectory,
  emails: string[],
) {
  const call = await beginBulk(dir, ctx, { organizationId, resellerId: null })
  const rows = emails.map((email, i) => toTextRow(i + 1, { firstName: 'A', lastName: 'Person', email }))
  await applyBulkRows(dir, ctx, { call, rows })
  await endBulk(dir, ctx, call)
}

function newTests(open: OpenStore): void {
  test('a new user is stored with its groups, and the audit entry names the members that are not empty', async () => {
    const on = await newTestDirectory(open)
    const [first = '', second = ''] = on.groupIds
    const { id, created } = await create(on, { groupIds: [second.toUpperCase(), first, second] })
    assert.equal(created, true)
    const [user] = await listPeople(on.dir, on.provider, on.customerId)
    assert.deepEqual([user?.id, user?.firstName, user?.email], [id, 'Ada', 'ada@example.com'])
    assert.deepEqual(user?.groups.map((group) => group.id).sort(), [first, second].sort())
    assert.deepEqual(await newestEntry(on), {
      operation: 'CreateUser',
      status: 'Succeeded',
      outcome: 'created',
      target: id,
      changedFields: ['firstName', 'lastName', 'email', 'groups'],
    })
  })

  test('a user whose members are all null is stored, and each such create makes a new user', async () => {
    const on = await newTestDirectory(open)
    const nothing = { firstName: null, lastName: null, email: null }
    const [one, other] = [await create(on, nothing), await create(on, nothing)]
    assert.deepEqual([one.created, other.created], [true, true])
    assert.notEqual(one.id, other.id)
  })

  test('the same person may exist in several organizations', async () => {
    const on = await newTestDirectory(open)
    const other = await addOrganization(on, 'customer')
    assert.equal((await create(on)).created, true)
    assert.equal((await create(on, {}, { organizationId: other.id })).created, true)
  })
}

function repeatTests(open: OpenStore): void {
  const SAME: readonly (readonly [what: string, change: Partial<NewUser>])[] = [
    ['word by word', {}],
    ['with the e-mail in other letter case', { email: 'ADA@Example.COM' }],
  ]
  for (const [what, change] of SAME) {
    test(`the same create again, ${what}, writes nothing but its audit entry`, async () => {
      const on = await newTestDirectory(open)
      const { id } = await create(on)
      const before = await countRows(on.dir.store, CONTENT_TABLES)
      assert.deepEqual(await create(on, change), { id, created: false })
      assert.deepEqual(await countRows(on.dir.store, CONTENT_TABLES), before)
      const entry = { operation: 'CreateUser', status: 'Succeeded', outcome: 'repeated' }
      assert.deepEqual(await newestEntry(on), { ...entry, target: id, changedFields: [] })
    })
  }

  test('groups are compared as a set: order, letter case and repetition do not matter', async () => {
    const on = await newTestDirectory(open)
    const [first = '', second = ''] = on.groupIds
    const { id } = await create(on, { groupIds: [first, second] })
    const again = await create(on, { groupIds: [second, first.toUpperCase(), second] })
    assert.deepEqual(again, { id, created: false })
  })

  test('a create with the id that the user got is the same create', async () => {
    const on = await newTestDirectory(open)
    const { id } = await create(on)
    assert.deepEqual(await create(on, { id: id.toUpperCase() }), { id, created: false })
  })

  test('without an e-mail, the id makes two creates the same', async () => {
    const on = await newTestDirectory(open)
    const id = newId()
    assert.deepEqual(await create(on, { id, email: null }), { id, created: true })
    assert.deepEqual(await create(on, { id, email: null }), { id, created: false })
    await assert.rejects(create(on, { id, email: null, firstName: 'Bob' }), refusedAs('id_taken', 'id'))
  })
}

function conflictTests(open: OpenStore): void {
  const OTHER: readonly (readonly [what: string, change: Partial<NewUser>])[] = [
    ['first name', { firstName: 'Bob' }],
    ['first name, null', { firstName: null }],
    ['last name, in other letter case', { lastName: 'LOVELACE' }],
    ['id', { id: '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d' }],
  ]
  for (const [what, change] of OTHER) {
    test(`the same e-mail with another ${what} is refused, naming the e-mail`, async () => {
      const on = await newTestDirectory(open)
      await create(on)
      await assert.rejects(
        create(on, { email: 'ADA@example.com', ...change }),
        refusedAs('email_taken', 'email'),
      )
    })
  }

  test('the same e-mail with more or fewer groups is refused', async () => {
    const on = await newTestDirectory(open)
    const [first = '', second = ''] = on.groupIds
    await create(on, { groupIds: [first] })
    for (const groupIds of [[], [second], [first, second]])
      await assert.rejects(create(on, { groupIds }), refusedAs('email_taken', 'email'))
  })

  test('the reseller is part of the content', async () => {
    const on = await newTestDirectory(open)
    const { resellerId } = on
    const { id } = await create(on, {}, { resellerId })
    await assert.rejects(create(on), refusedAs('email_taken', 'email'))
    const again = await create(on, {}, { resellerId: resellerId.toUpperCase() })
    assert.deepEqual(again, { id, created: false })
  })

  test('the issues name every group that does not exist by its index', async () => {
    const on = await newTestDirectory(open)
    const [first = ''] = on.groupIds
    const groupIds = [first, newId(), first, newId()]
    await assert.rejects(create(on, { groupIds }), refusedAs('group_not_found', 'groupIds[1]', 'groupIds[3]'))
  })

  test('all issues of a user are reported at once', async () => {
    const on = await newTestDirectory(open)
    const wrong = { id: 'x', firstName: 'a'.repeat(256), lastName: '\0', email: 'x' }
    await assert.rejects(create(on, wrong), refusedAs('invalid', 'firstName', 'lastName', 'email', 'id'))
  })
}

function idTests(open: OpenStore): void {
  test('a free id is adopted, in lower case', async () => {
    const on = await newTestDirectory(open)
    const id = newId()
    assert.deepEqual(await create(on, { id: id.toUpperCase() }), { id, created: true })
  })

  test('the id of another user is refused, also of one in another organization, and of a deleted one', async () => {
    const on = await newTestDirectory(open)
    const other = await addOrganization(on, 'customer')
    const { id: near } = await create(on, { email: 'near@example.com' })
    const { id: far } = await create(on, { email: 'far@example.com' }, { organizationId: other.id })
    const { id: gone } = await create(on, { email: 'gone@example.com' })
    await deleteUser(on.dir, on.operator, { user: gone })
    for (const id of [near, far, gone]) await assert.rejects(create(on, { id }), refusedAs('id_taken', 'id'))
    assert.equal((await create(on)).created, true)
  })
}

function restoreTests(open: OpenStore): void {
  test('a deleted user is restored under its id with only the new content', async () => {
    const on = await newTestDirectory(open)
    const [second = '', first = ''] = on.groupIds
    const { id } = await create(on, { groupIds: [first] })
    await deleteUser(on.dir, on.operator, { user: id })
    const again = await create(on, { email: 'ADA@example.com', firstName: 'Augusta', groupIds: [second] })
    assert.deepEqual(again, { id, created: false, restored: true })
    const users = await listPeople(on.dir, on.provider, on.customerId)
    assert.equal(users.length, 1)
    assert.deepEqual([users[0]?.firstName, users[0]?.email], ['Augusta', 'ADA@example.com'])
    assert.deepEqual(
      users[0]?.groups.map((group) => group.id),
      [second],
    )
    const changedFields = ['firstName', 'lastName', 'email', 'groups']
    const entry = { operation: 'CreateUser', status: 'Succeeded', outcome: 'restored', target: id }
    assert.deepEqual(await newestEntry(on), { ...entry, changedFields })
  })

  test('a deleted user is restored only under its own id', async () => {
    const on = await newTestDirectory(open)
    const { id } = await create(on)
    await deleteUser(on.dir, on.operator, { user: id })
    await assert.rejects(create(on, { id: newId() }), refusedAs('id_taken', 'id'))
    assert.deepEqual(await create(on, { id }), { id, created: false, restored: true })
  })

  test('of several deleted users with the e-mail, the one who was deleted last is restored', async () => {
    const on = await newTestDirectory(open)
    const { dir, operator } = on
    const changes = { email: 'ada@example.com' }
    const { id: last } = await create(on, { email: 'countess@example.com' })
    const { id: first } = await create(on)
    await deleteUser(dir, operator, { user: first })
    const deleteLast = async () => {
      on.clock.now = new Date(on.clock.now.getTime() + 1)
      await updateUser(dir, operator, { user: last, changes })
      await deleteUser(dir, operator, { user: last })
    }
    await deleteLast()
    assert.deepEqual(await create(on), { id: last, created: false, restored: true })
    await deleteLast()
    await addInBulk(on, ['ada@example.com'])
    assert.equal((await getUser(dir, operator, { user: 'ada@example.com' })).user.id, last)
  })

  test('while another user has the e-mail, a deleted user with it stays deleted', async () => {
    const on = await newTestDirectory(open)
    const { id: gone } = await create(on)
    await deleteUser(on.dir, on.operator, { user: gone })
    const { id } = await create(on, { id: gone })
    const { store } = on.dir
    const [holder] = await listPeople(on.dir, on.provider, on.customerId)
    const organization = holder?.organizationPk ?? 0
    await store.write((tx) => markUserDeleted(tx, holder?.pk ?? 0, '2026-11-22T08:00:00.000Z'))
    const active = newId()
    await store.write((tx) => putUser(tx, organization, 'ada@example.com', active))
    const nameless = { firstName: null, lastName: null }
    assert.deepEqual(await create(on, nameless), { id: active, created: false })
    assert.notEqual(active, id)
  })

  test('a create at the same time as the deletion of the user does not create the user twice', async () => {
    const on = await newTestDirectory(open)
    for (let i = 0; i < 20; i++) {
      const email = `${i}@example.com`
      const { id } = await create(on, { email })
      const [again] = await Promise.all([
        create(on, { email }),
        deleteUser(on.dir, on.operator, { user: id }),
      ])
      assert.equal(again.id, id)
    }
    assert.deepEqual(await countRows(on.dir.store, ['users']), { users: 20 })
  })

  test('a user can be deleted once, and is no longer listed', async () => {
    const on = await newTestDirectory(open)
    const { id } = await create(on)
    await deleteUser(on.dir, on.operator, { user: id })
    await assert.rejects(deleteUser(on.dir, on.operator, { user: id }), refusedAs('user_not_found'))
    await assert.rejects(deleteUser(on.dir, on.operator, { user: newId() }), refusedAs('user_not_found'))
    const users = await listPeople(on.dir, on.provider, on.customerId)
    assert.deepEqual(users, [])
  })
}

function raceTests(open: OpenStore): void {
  const fifty = <T>(work: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 50 }, work))

  test('50 equal creates at the same time create one user and get one id', async () => {
    const on = await newTestDirectory(open)
    const responses = await fifty(() => create(on))
    assert.equal(responses.filter(({ created }) => created).length, 1)
    assert.equal(new Set(responses.map(({ id }) => id)).size, 1)
    const outcomes = (await readAudit(on.dir, 50)).map((entry) => entry.outcome)
    assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 1)
    assert.equal(outcomes.filter((outcome) => outcome === 'repeated').length, 49)
  })

  test('50 equal creates at the same time restore a deleted user once', async () => {
    const on = await newTestDirectory(open)
    const { id } = await create(on)
    await deleteUser(on.dir, on.operator, { user: id })
    const responses = await fifty(() => create(on))
    for (const response of responses) assert.partialDeepStrictEqual(response, { id, created: false })
    assert.equal(responses.filter(({ restored }) => restored).length, 1)
    const outcomes = (await readAudit(on.dir, 50)).map((entry) => entry.outcome)
    assert.equal(outcomes.filter((outcome) => outcome === 'restored').length, 1)
  })

  test('of 50 creates at the same time with one e-mail and other content, one succeeds', async () => {
    const on = await newTestDirectory(open)
    let i = 0
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () => create(on, { firstName: `${i++}` })),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const one of outcomes) if (one.status === 'rejected') refusedAs('email_taken', 'email')(one.reason)
    const counts = await countRows(on.dir.store, ['users'])
    assert.equal(counts.users, 1)
  })
}

function lateTests(open: OpenStore): void {
  test('a change that is committed after a later one is not missed by a reader of changes', async () => {
    const on = await newTestDirectory(open)
    const { dir, provider, clock } = on
    const { id: slow } = await create(on, { email: 'slow@example.com' })
    const pk = (await listPeople(dir, provider, on.customerId))[0]?.pk ?? 0
    clock.now = new Date(clock.now.getTime() + 10_000)
    const since = clock.now.toISOString()
    const { token } = await listChangedUsers(dir, provider, { from: { since }, limit: 10 })
    const late = new Date(clock.now.getTime() + 1).toISOString()
    clock.now = new Date(clock.now.getTime() + 20_000)
    const { id: quick } = await create(on, { email: 'quick@example.com' })
    const idsOf = (found: ChangedUsers): string[] => found.items.map(({ user }) => user.id)
    const first = await listChangedUsers(dir, provider, { from: { token }, limit: 10 })
    assert.deepEqual(idsOf(first), [quick])
    await dir.store.write((tx) => touchUser(tx, pk, late))
    const second = await listChangedUsers(dir, provider, { from: { token: first.token }, limit: 10 })
    assert.deepEqual(idsOf(second), [slow])
    const third = await listChangedUsers(dir, provider, { from: { token: second.token }, limit: 10 })
    assert.deepEqual([idsOf(third), third.more], [[], false])
  })
}
