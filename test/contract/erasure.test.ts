import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { assertNoBody, callPortal, create, errorOf, idOf, newUser, type PortalCall } from './portal.ts'
import { newToken, useTarget } from './target.ts'

interface Receipt {
  readonly id: string
  readonly erasedAt: string
  readonly entries: number
  readonly accounts: readonly unknown[]
}

const tokens = { viewer: '', customer: '', reseller: '' }
const portal = `${randomUUID()}.example`

const target = useTarget({}, async () => {
  const { provider, reseller, customer } = target.init
  await target.operator.addPortal(portal, reseller.id)
  tokens.viewer = await newToken(target, provider.id, 'viewer')
  tokens.customer = await newToken(target, customer.id)
  tokens.reseller = await newToken(target, reseller.id)
})

const call = (method: string, path: string, options: PortalCall = {}): Promise<HttpResponse> =>
  callPortal(target, method, path, options)
const erase = (id: string, options: PortalCall = {}): Promise<HttpResponse> =>
  call('POST', `/users/${id}/erase`, options)

/** Adds a user, renames them, and deletes them. */
async function addDeleted(user: Record<string, unknown> = newUser()): Promise<string> {
  const id = idOf(await create(target, user))
  assert.equal((await call('PATCH', `/users/${id}`, { body: { lastName: 'Byron' } })).status, 204)
  assert.equal((await call('DELETE', `/users/${id}`)).status, 204)
  return id
}

async function listChanges(id: string): Promise<unknown[]> {
  const response = await call('GET', '/AuditLogs?PageSize=2000&Operations=UpdateUser')
  const { items } = jsonOf<{ items: { targetId: string; changes: unknown }[] }>(response)
  return items.filter(({ targetId }) => targetId === id).flatMap(({ changes }) => changes)
}

test('an erasure leaves the id, and nothing personal; the log is still intact', async () => {
  const user = newUser({ firstName: 'Erica', lastName: 'Erasmus' })
  const id = await addDeleted(user)
  assert.deepEqual(await listChanges(id), [{ propertyName: 'lastName', before: 'Erasmus', after: 'Byron' }])
  const response = await erase(id.toUpperCase())
  assert.equal(response.status, 200, response.text)
  const { erasedAt, entries, ...rest } = jsonOf<Receipt>(response)
  assert.deepEqual(rest, { id, accounts: [] })
  assert.ok(Math.abs(Date.parse(erasedAt) - Date.now()) < 60_000)
  // The create, the change, the deletion and the erasure.
  assert.equal(entries, 4)
  assert.deepEqual(await listChanges(id), [{ propertyName: 'lastName', before: null, after: null }])
  const deleted = await call('GET', '/users?state=deleted&pageSize=2000')
  const { items } = jsonOf<{ items: Record<string, unknown>[] }>(deleted)
  assert.partialDeepStrictEqual(
    items.find((one) => one.id === id),
    { firstName: null, lastName: null, email: null, groups: [] },
  )
  assert.equal(await target.operator.verifyAudit(), true)
})

test('the e-mail of an erased user makes a new person', async () => {
  const user = newUser()
  const id = await addDeleted(user)
  assert.equal((await erase(id)).status, 200)
  assert.notEqual(idOf(await create(target, user)), id)
})

test('an erased user is not found, and cannot be restored', async () => {
  const id = await addDeleted()
  assert.equal((await erase(id)).status, 200)
  errorOf(await call('GET', `/users/${id}`), 404, 'NotFound')
  errorOf(await call('POST', `/users/${id}/restore`), 400, 'Conflict')
})

test('erasing again returns the receipt with the first time', async () => {
  const id = await addDeleted()
  const [first, second] = [jsonOf<Receipt>(await erase(id)), jsonOf<Receipt>(await erase(id))]
  assert.equal(second.erasedAt, first.erasedAt)
  assert.equal(second.entries, first.entries + 1)
})

test('20 erasures at once: one receipt', async () => {
  const id = await addDeleted()
  const responses = await Promise.all(Array.from({ length: 20 }, () => erase(id)))
  const times = responses.map((response) => jsonOf<Receipt>(response).erasedAt)
  assert.deepEqual(
    responses.map(({ status }) => status),
    responses.map(() => 200),
  )
  assert.equal(new Set(times).size, 1)
})

test('a user who is not deleted stays as they are', async () => {
  const id = idOf(await create(target, newUser()))
  const { description } = errorOf(await erase(id), 400, 'Conflict')
  assert.match(description, /delete them first/)
  assert.equal(jsonOf<{ firstName: string }>(await call('GET', `/users/${id}`)).firstName, 'Ada')
})

test('only administrators of the provider may erase, and absent users are 404', async () => {
  const id = await addDeleted()
  for (const options of [
    { token: tokens.viewer },
    { token: tokens.customer },
    { token: tokens.reseller, portal },
    { portal },
  ])
    assertNoBody(await erase(id, options), 403)
  errorOf(await erase(randomUUID()), 404, 'NotFound')
})
