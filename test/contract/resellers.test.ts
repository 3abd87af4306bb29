import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { addCaller, addCustomer, addReseller, awaitJob, list, newReseller, read } from './companies.ts'
import { assertInvalid, assertNoBody, callPortal, create, errorOf, idOf, newUser } from './portal.ts'
import { newToken, useTarget } from './target.ts'

const target = useTarget()

describe('resellers', () => {
  test('all members of the model are kept and returned', async () => {
    const body = newReseller({ internalIdentifier: 'R-1' })
    const made = await callPortal(target, 'POST', '/Resellers', { body })
    const id = idOf(made)
    assert.equal(made.headers.location, `/v1/Resellers/${id}`)
    const { createdAt, ...view } = await read(target, `/resellers/${id}`)
    assert.match(String(createdAt), /Z$/)
    assert.deepEqual(view, { ...body, id, providerResellers: [], customDomain: {} })
  })

  test('bodies are checked, and rules for customers do not hold', async () => {
    const required = ['addressLine1', 'city', 'companyName', 'country', 'email', 'firstName', 'lastName']
    required.push('phone', 'state', 'zipCode')
    assertInvalid(await callPortal(target, 'POST', '/Resellers', { body: {} }), required)
    const body = newReseller({ companyName: 'X', firstName: 'A', email: 'a@microsoft.com' })
    idOf(await callPortal(target, 'POST', '/Resellers', { body }))
    assertInvalid(await callPortal(target, 'POST', '/Resellers', { body: newReseller({ phone: '12' }) }), [
      'phone',
    ])
    const long = 'x'.repeat(31)
    const mixed = newReseller({ phone: '12', country: 'XX', city: 7, zipCode: long, zip: long })
    assertInvalid(await callPortal(target, 'POST', '/Resellers', { body: mixed }), [
      'city',
      'country',
      'phone',
      'zipCode',
    ])
    // A member that only customers have is ignored, whatever it is.
    for (const middleName of [7, {}, ['a'], 'x'.repeat(300)]) {
      const id = idOf(await callPortal(target, 'POST', '/Resellers', { body: newReseller({ middleName }) }))
      const path = `/Resellers/${id}/account-info`
      assert.equal((await callPortal(target, 'PATCH', path, { body: { middleName, zip: 7 } })).status, 204)
    }
  })

  test('account info and the internal identifier are changed', async () => {
    const id = await addReseller(target)
    const patch = (part: string, body: unknown) =>
      callPortal(target, 'PATCH', `/Resellers/${id}/${part}`, { body })
    assert.equal((await patch('account-info', { city: 'Porto', zipCode: '4000' })).status, 204)
    assertInvalid(await patch('account-info', { country: 'ZZ', phone: '1' }), ['country', 'phone'])
    assert.equal((await patch('internal-identifier', '"R-2"')).status, 204)
    const view = await read(target, `/Resellers/${id}`)
    assert.deepEqual([view.city, view.zipCode, view.internalIdentifier], ['Porto', '4000', 'R-2'])
    assert.equal((await patch('internal-identifier', 'null')).status, 204)
    assert.equal((await read(target, `/Resellers/${id}`)).internalIdentifier, null)
    for (const wrong of [undefined, '', '{}', '1', JSON.stringify('x'.repeat(256)), '"a\\u0000"'])
      assertInvalid(await patch('internal-identifier', wrong), ['body'])
  })

  test('search, sort and filter', async () => {
    const mark = randomUUID().slice(0, 8)
    const ids = [
      await addReseller(target, { companyName: `${mark} B`, internalIdentifier: `${mark}-1` }),
      await addReseller(target, { companyName: `${mark} a` }),
    ]
    const customerId = await addCustomer(target, { resellerId: ids[0] })
    const idsOf = async (query: string) =>
      (await list(target, `/Resellers?${query}`)).items.map(({ id }) => id)
    assert.deepEqual(await idsOf(`searchValue=${mark}`), ids.toReversed())
    assert.deepEqual(await idsOf(`searchValue=${mark}&ascendingOrder=false`), ids)
    assert.deepEqual(await idsOf(`searchValue=${mark}-1&searchField=InternalIdentifier`), [ids[0]])
    assert.deepEqual(await idsOf(`searchValue=${mark}&searchField=MpnId`), [])
    assert.deepEqual(await idsOf(`customerId=${customerId}`), [ids[0]])
    assert.deepEqual(await idsOf(`customerId=${customerId}&providerInstanceId=${randomUUID()}`), [])
    errorOf(await callPortal(target, 'GET', `/Resellers?customerId=${randomUUID()}`), 404, 'NotFound')
    assertInvalid(await callPortal(target, 'GET', '/Resellers?searchField=MpnId'), ['searchValue'])
  })

  test('a reseller reads itself alone, and changes nothing', async () => {
    const [caller, other] = [await addCaller(target), await addReseller(target)]
    const { id } = caller
    assert.equal((await read(target, `/Resellers/${id}`, caller)).id, id)
    errorOf(await callPortal(target, 'GET', `/Resellers/${other}`, caller), 404, 'NotFound')
    for (const [method, path, body] of [
      ['GET', '/Resellers'],
      ['POST', '/Resellers', newReseller()],
      ['PATCH', `/Resellers/${id}/account-info`, {}],
      ['PATCH', `/Resellers/${id}/internal-identifier`, '"x"'],
      ['PUT', `/Resellers/${id}/portal`, { domain: null }],
      ['DELETE', `/Resellers/${id}`],
    ] as const)
      assertNoBody(await callPortal(target, method, path, { ...caller, body }), 403)
  })

  test('a portal selects its reseller as soon as it is set, and until it is replaced', async () => {
    const id = await addReseller(target)
    const token = await newToken(target, id)
    const [first, second] = [`${randomUUID()}.example`, `${randomUUID()}.example`]
    const put = (domain: string | null, reseller = id) =>
      callPortal(target, 'PUT', `/Resellers/${reseller}/portal`, { body: { domain } })
    const reads = async (portal: string) =>
      (await callPortal(target, 'GET', `/Resellers/${id}`, { token, portal })).status
    assert.equal(await reads(first), 403)
    assert.equal((await put(`${first.toUpperCase()}.`)).status, 200)
    assert.deepEqual((await read(target, `/Resellers/${id}`)).customDomain, { domain: first })
    assert.equal(await reads(first), 200)
    assert.equal((await put(second)).status, 200)
    assert.deepEqual([await reads(first), await reads(second)], [403, 200])
    assertInvalid(await put(second, await addReseller(target)), ['domain'], 'Conflict')
    assertInvalid(await put('no domain'), ['domain'])
    assert.equal((await put(null)).status, 200)
    assert.equal(await reads(second), 403)
    assert.deepEqual((await read(target, `/Resellers/${id}`)).customDomain, {})
  })

  test('a deleted reseller is hidden at once; its customers stay, and their users are in no context', async () => {
    const caller = await addCaller(target)
    const { id } = caller
    const customer = await addCustomer(target, { resellerId: id })
    const user = idOf(await create(target, newUser(), { customer, query: `?resellerId=${id}` }))
    const response = await callPortal(target, 'DELETE', `/Resellers/${id}`)
    assert.equal(response.status, 202, response.text)
    assertNoBody(await callPortal(target, 'GET', `/Resellers/${id}`, caller), 401)
    errorOf(await callPortal(target, 'GET', `/Resellers/${id}`), 404, 'NotFound')
    errorOf(await callPortal(target, 'DELETE', `/Resellers/${id}`), 404, 'NotFound')
    errorOf(await create(target, newUser(), { customer, query: `?resellerId=${id}` }), 404, 'NotFound')
    assertNoBody(await callPortal(target, 'GET', '/Customers', { portal: caller.portal }), 403)
    const job = await awaitJob(target, response)
    assert.deepEqual(job.result, { users: 0, contexts: 1, relations: 1 })
    assert.deepEqual((await read(target, `/Customers/${customer}`)).resellerIds, [])
    assert.equal((await read(target, `/users/${user}`)).resellerId, null)
  })
})
