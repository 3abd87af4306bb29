import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rounds } from '../../testing/full-length.ts'
import { awaitJob } from './companies.ts'
import { assertInvalid, assertNoBody, callPortal, create, idOf, newUser } from './portal.ts'
import { newToken, useOwnTarget } from './target.ts'
import { type Page, portalLists } from './user-lists.ts'

const target = useOwnTarget()
const { list } = portalLists(target)
const BEGINNING = '2000-01-01T00:00:00Z'

/** Reads all changes that there are now, in pages. */
async function readChanges(
  query: string,
  pageSize = 3,
  call = {},
): Promise<{ ids: string[]; token: string }> {
  const ids: string[] = []
  for (let page: Page = await list(`?${query}&pageSize=${pageSize}`, call); ; ) {
    ids.push(...page.items.map(({ id }) => id))
    const token = page.continuationToken ?? assert.fail('no token')
    if (!page.hasNextPage) return { ids, token }
    page = await list(`?continuationToken=${token}&pageSize=${pageSize}`, call)
  }
}

async function change(id: string, change: object): Promise<void> {
  assert.equal((await callPortal(target, 'PATCH', `/users/${id}`, { body: change })).status, 204)
}

test('changes are listed from the oldest on, deleted users too, and none is repeated', async () => {
  const ids = []
  for (let i = 0; i < 7; i++) ids.push(idOf(await create(target, newUser())))
  const [first = '', second = '', third = ''] = ids
  const begun = await readChanges(`changedSince=${BEGINNING}`)
  assert.deepEqual(begun.ids, ids)
  let { token } = begun
  for (const expected of [[], [first], [second], [third, first]]) {
    for (const id of expected)
      if (id === second) assert.equal((await callPortal(target, 'DELETE', `/users/${id}`)).status, 204)
      else await change(id, { lastName: `Changed ${Math.random()}` })
    const read = await readChanges(`continuationToken=${token}`)
    assert.deepEqual(read.ids, expected)
    token = read.token
  }
  const all = await list(`?changedSince=${encodeURIComponent('2026-01-01T00:00:00+02:00')}`)
  assert.deepEqual([all.totalCount, all.hasNextPage, all.hasPreviousPage], [7, false, false])
  assert.deepEqual(
    all.items.flatMap(({ id, deletedAt }) => (deletedAt === undefined ? [] : [id])),
    [second],
  )
  const { updatedAt } = all.items.at(-1) ?? assert.fail()
  assert.deepEqual((await readChanges(`changedSince=${updatedAt}`)).ids, [first])
  const later = new Date(Date.parse(updatedAt) + 1).toISOString()
  assert.deepEqual((await readChanges(`changedSince=${later}`)).ids, [])
})

test('changes take a reseller’s context, and nothing else of a list', async () => {
  const reseller = await target.operator.addReseller('changes.example')
  const customer = await target.operator.addCustomer(reseller)
  const id = idOf(await create(target, newUser(), { customer }))
  const narrowed = await readChanges(`changedSince=${BEGINNING}&resellerId=${reseller}`, 1)
  assert.deepEqual(narrowed.ids, [id])
  const own = { token: await newToken(target, reseller, 'viewer'), portal: 'changes.example' }
  assert.deepEqual((await readChanges(`changedSince=${BEGINNING}`, 1, own)).ids, [id])
  // A token tells when users of others have changed, so no other organization takes it.
  const { continuationToken } = await list(`?changedSince=${BEGINNING}&pageSize=1`)
  const foreignToken = `?continuationToken=${continuationToken}`
  assertInvalid(await callPortal(target, 'GET', foreignToken, own), ['continuationToken'])
  const foreign = await target.operator.addReseller('foreign.example')
  assertNoBody(await callPortal(target, 'GET', `?changedSince=${BEGINNING}&resellerId=${foreign}`, own), 403)
  for (const other of [
    'searchValue=a',
    'groups=Viewer',
    'state=deleted',
    'sortPropertyName=Name',
    'pageNumber=1',
    'ascendingOrder=true',
  ]) {
    const [name = ''] = other.split('=')
    assertInvalid(await callPortal(target, 'GET', `?changedSince=${BEGINNING}&${other}`), [name])
  }
})

test('users who are deleted with their customer are changes, also for the reseller of the customer', async () => {
  const reseller = await target.operator.addReseller('vanishing.example')
  const customer = await target.operator.addCustomer(reseller)
  const ids = [
    idOf(await create(target, newUser(), { customer })),
    idOf(await create(target, newUser(), { customer })),
  ]
  const own = { token: await newToken(target, reseller, 'viewer'), portal: 'vanishing.example' }
  const narrowed = `changedSince=${BEGINNING}&resellerId=${reseller}`
  const { token } = await readChanges(narrowed)
  const accepted = await callPortal(target, 'DELETE', `/Customers/${customer}`)
  await awaitJob(target, accepted)
  assert.deepEqual((await readChanges(`continuationToken=${token}`)).ids.slice(-2), ids)
  for (const items of [
    (await list(`?${narrowed}`)).items,
    (await list(`?changedSince=${BEGINNING}`, own)).items,
  ]) {
    assert.deepEqual(
      items.map(({ id }) => id),
      ids,
    )
    assert.ok(items.every(({ deletedAt }) => deletedAt !== undefined))
  }
})

test('a token that was not returned is refused, whatever is in it', async () => {
  const token = (await readChanges(`changedSince=${BEGINNING}`)).token
  const bytes = Buffer.from(token.split('.')[2] ?? '', 'base64url')
  const readable = (bytes.toString('latin1') + Buffer.from(token, 'base64url').toString('latin1')).includes(
    '2026-',
  )
  assert.ok(!readable, 'the token can be read')
  const other = token.at(-6) === 'A' ? 'B' : 'A'
  const plain = Buffer.from('2000-01-01T00:00:00.000Z  0   ').toString('base64url')
  for (const one of [
    'A',
    '.',
    '2.x.y',
    `${token}A`,
    `${token.slice(0, -6)}${other}${token.slice(-5)}`,
    plain,
  ])
    assertInvalid(await callPortal(target, 'GET', `?continuationToken=${one}`), ['continuationToken'])
})

test('a reader misses no change that is made while it reads', async () => {
  let { token } = await readChanges(`changedSince=${new Date().toISOString()}`)
  const count = rounds(60, 600)
  const made: string[] = []
  let writing = true
  const write = async (): Promise<void> => {
    while (made.length < count) {
      const id = idOf(await create(target, newUser()))
      made.push(id)
      await change(id, { lastName: 'Changed' })
    }
  }
  const seen = new Set<string>()
  const read = async (): Promise<void> => {
    for (let last = false; !last; ) {
      last = !writing
      const found = await readChanges(`continuationToken=${token}`, 5)
      for (const id of found.ids) seen.add(id)
      token = found.token
    }
  }
  const reading = read()
  await Promise.all([write(), write(), write(), write()])
  writing = false
  await reading
  assert.deepEqual(
    made.filter((id) => !seen.has(id)),
    [],
  )
  // A token remembers 200 changes of the last minute; more than these are returned again.
  if (made.length < 200) assert.deepEqual((await readChanges(`continuationToken=${token}`)).ids, [])
})
