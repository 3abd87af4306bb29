import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { rounds } from '../../testing/full-length.ts'
import type { HttpResponse } from '../../testing/http.ts'
import { assertInvalid, callPortal, create, idOf, newEmail, newUser } from './portal.ts'
import { changed, singleUsersOf } from './single-users.ts'
import { useTarget } from './target.ts'

const target = useTarget()
const { patch, remove, act, read } = singleUsersOf(target)

/** Adds a user to an organization by the path of its create. */
async function addTo(path: string, ...groups: readonly string[]): Promise<string> {
  const body = newUser({ groups: groups.map((id) => ({ id })) })
  return idOf(await callPortal(target, 'POST', path, { body }))
}

/** A customer with some Administrators; returns its path of users, and their ids. */
async function newCustomer(administrators: number): Promise<{ path: string; ids: string[] }> {
  const path = `/customer/${await target.operator.addCustomer()}/users`
  const ids: string[] = []
  for (let i = 0; i < administrators; i++) ids.push(await addTo(path, target.init.groups.Administrator))
  return { path, ids }
}

/** Every change of a user that takes an Administrator away. */
const WAYS: readonly ((id: string) => Promise<HttpResponse>)[] = [
  (id) => remove(id),
  (id) => act(id, 'suspend'),
  (id) => patch(id, { groups: [] }),
  (id) => patch(id, { groups: null, firstName: 'X' }),
  (id) => patch(id, { groups: [{ id: target.init.groups.Viewer }] }),
]

function assertRefused(response: HttpResponse): void {
  assertInvalid(response, ['groups'], 'Conflict')
}

test('the last Administrator is not deleted, suspended or taken out of the group', async () => {
  const { Administrator, Viewer } = target.init.groups
  const reseller = await target.operator.addReseller(`${randomUUID()}.example`)
  for (const path of [(await newCustomer(0)).path, `/reseller/${reseller}/users`]) {
    const id = await addTo(path, Administrator, Viewer)
    await addTo(path, Viewer)
    const before = await read(id)
    for (const way of WAYS) assertRefused(await way(id))
    assert.deepEqual(await read(id), before)
    changed(await patch(id, { firstName: 'X', groups: [{ id: Administrator }] }))
    changed(await act(id, 'resume'))
  }
})

test('an Administrator leaves while another active one stays', async () => {
  for (const way of WAYS) {
    const { ids } = await newCustomer(2)
    const [one = '', other = ''] = ids
    changed(await way(one))
    for (const again of WAYS) assertRefused(await again(other))
  }
})

test('a suspended or deleted Administrator, and one of another organization, do not count', async () => {
  await newCustomer(1)
  const { ids } = await newCustomer(3)
  const [suspended = '', deleted = '', last = ''] = ids
  changed(await act(suspended, 'suspend'))
  changed(await remove(deleted))
  for (const way of WAYS) assertRefused(await way(last))
  // One that does not count leaves freely.
  changed(await patch(suspended, { groups: [] }))
  changed(await act(deleted, 'restore'))
  changed(await remove(last))
  changed(await remove(suspended))
  assertRefused(await remove(deleted))
})

test('an organization without an Administrator loses its users freely', async () => {
  const { path } = await newCustomer(0)
  for (const way of WAYS) changed(await way(await addTo(path, target.init.groups.Viewer)))
})

test('a refusal is recorded', async () => {
  const { ids } = await newCustomer(1)
  const correlation = randomUUID()
  assertRefused(await remove(String(ids[0]), { headers: { 'x-correlation-id': correlation } }))
  const [entry] = await target.operator.listAudit(correlation)
  assert.partialDeepStrictEqual(entry, { status: 'Failed', outcome: 'last_administrator', target: ids[0] })
})

test('of all Administrators who leave at once, in any way, exactly one stays', async () => {
  for (let round = 0; round < rounds(4, 40); round++) {
    const { ids } = await newCustomer(2 + (round % 4))
    const responses = await Promise.all(ids.map((id, i) => WAYS[(round + i) % WAYS.length]?.(id)))
    const refused = responses.filter((response) => response?.status !== 204)
    assert.equal(refused.length, 1, responses.map((response) => response?.status).join())
    assertRefused(refused[0] as HttpResponse)
  }
})

test('an Administrator who comes while the last one leaves decides whether that one may', async () => {
  const { Administrator } = target.init.groups
  for (let round = 0; round < rounds(3, 30); round++) {
    const { path, ids } = await newCustomer(1)
    const coming = await addTo(path)
    const [left, came] = await Promise.all([
      remove(String(ids[0])),
      patch(coming, { groups: [{ id: Administrator }] }),
    ])
    changed(came)
    if (left.status === 204) assertRefused(await remove(coming))
    else assertRefused(left)
  }
})

test('of a bulk call that takes all Administrators away, one line is refused', async () => {
  const { path, ids } = await newCustomer(3)
  const emails = await Promise.all(ids.map(async (id) => (await read(id)).email))
  const lines = emails.map((email) => JSON.stringify({ email, groups: [] }))
  const headers = { 'content-type': 'application/x-ndjson' }
  const response = await callPortal(target, 'POST', `${path}/bulk`, { headers, body: lines.join('\n') })
  assert.equal(response.status, 200, response.text)
  const results = response.text.split('\n').filter(Boolean)
  const statuses = results.map((line) => (JSON.parse(line) as { status: string }).status)
  assert.deepEqual(statuses.toSorted(), ['changed', 'changed', 'conflict'])
  assert.match(String(results.find((line) => line.includes('conflict'))), /"propertyName":"groups"/)
  const groups = await Promise.all(ids.map(async (id) => (await read(id)).groups.length))
  assert.deepEqual(groups.toSorted(), [0, 0, 1])
})

test('undoing an import keeps the last Administrator that it made', async () => {
  const { path } = await newCustomer(0)
  const headers = { 'content-type': 'application/x-ndjson' }
  const body = JSON.stringify({ email: newEmail(), groups: ['Administrator'] })
  const response = await callPortal(target, 'POST', `${path}/bulk`, { headers, body })
  const { id } = JSON.parse(response.text) as { id: string }
  // The command says what it kept, and ends with 1.
  await assert.rejects(target.operator.undoImport(String(response.headers['x-import-id'])), /ended with 1/)
  assert.equal((await read(id)).groups.length, 1)
})

test('--force makes the change at the command line, and the entry says so', async () => {
  const { path, ids } = await newCustomer(1)
  const customer = String(path.split('/')[2])
  await assert.rejects(target.operator.removeUser(String(ids[0])), /last active one/)
  await target.operator.removeUser(String(ids[0]), '--force')
  const [entry] = await target.operator.listAuditOf(customer)
  assert.partialDeepStrictEqual(entry, {
    operation: 'DeleteUser',
    outcome: 'deleted',
    changedFields: ['deletedAt', 'lastAdministrator'],
  })
  assert.equal((await create(target, newUser(), { customer })).status, 201)
})
