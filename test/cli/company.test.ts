import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

const { path, remove } = newDataDir()
let init: Init

before(async () => {
  init = await initialise(path)
})
after(remove)

const json = <T = Record<string, unknown>>(...args: string[]): Promise<T> =>
  usherJson<T>(path, ['organization', ...args])
const usher = (...args: string[]) => runUsher(path, ['organization', ...args])

test('company data are changed and shown', async () => {
  for (const id of [init.customer.id, init.reseller.id]) {
    const change = ['--city', 'Lisboa', '--country', 'pt', '--phone', '912 345 678', '--name', 'Acme Lda']
    assert.deepEqual((await json<{ id: string }>('change', id, ...change)).id, id)
    await json('identify', id, '--identifier', 'C-1')
    const shown = await json('show', id)
    const { name, country, city, internalIdentifier } = shown
    assert.deepEqual([name, country, city, internalIdentifier], ['Acme Lda', 'PT', 'Lisboa', 'C-1'])
    await json('change', id, '--city', '')
    await json('identify', id)
    const emptied = await json('show', id)
    assert.deepEqual([emptied.city, emptied.internalIdentifier], [null, null])
    assert.match((await usher('show', id)).stdout, /^Country: +PT$/m)
  }
})

test('wrong values are named by their options', async () => {
  const wrong = await usher('change', init.customer.id, '--phone', '1', '--first-name', 'admin')
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /--phone must be a phone number/)
  assert.match(wrong.stderr, /--first-name must be the name of a person/)
  assert.equal((await usher('change', init.customer.id)).code, 2)
  assert.match((await usher('show', 'none')).stderr, /no customer and no reseller with the id none/)
})

test('customers are searched, related, moved and unrelated', async () => {
  const other = await json<{ id: string }>('add', '--kind', 'reseller', '--name', 'Other')
  const found = await json<{ id: string }[]>('list', '--kind', 'customer', '--search', 'ACME')
  assert.deepEqual(
    found.map(({ id }) => id),
    [init.customer.id],
  )
  assert.equal((await usher('list', '--search', 'x')).code, 2)
  const moved = ['relate', init.customer.id, '--reseller', other.id, '--from', init.reseller.id]
  await json(...moved)
  assert.deepEqual((await json('show', init.customer.id)).resellerIds, [other.id])
  assert.match((await usher(...moved)).stderr, /no relation with that reseller/)
  await json('unrelate', init.customer.id, '--reseller', other.id)
  assert.deepEqual((await json('show', init.customer.id)).resellerIds, [])
})

test('a customer is suspended, resumed and deleted', async () => {
  const { id } = await json<{ id: string }>('add', '--kind', 'customer', '--name', 'Gone')
  assert.match(String((await json('suspend', id)).suspendedAt), /Z$/)
  assert.match((await usher('suspend', id)).stdout, /has been suspended since .*\n.*new state yet: 0$/m)
  assert.equal((await json('resume', id)).suspendedAt, null)
  const { job } = await json<{ job: string }>('delete', id, '--purge-data')
  const begun = await usherJson<{ operation: string }>(path, ['job', 'show', job])
  assert.equal(begun.operation, 'DeleteCustomer')
  assert.match((await usher('delete', id)).stderr, /no customer and no reseller with the id/)
  const reseller = await json<{ id: string }>('add', '--kind', 'reseller', '--name', 'Gone')
  const purged = await usher('delete', reseller.id, '--purge-data')
  assert.deepEqual([purged.code, /is for customers/.test(purged.stderr)], [2, true])
  assert.match((await usher('delete', reseller.id)).stdout, /usher job show/)
})
