import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { addCaller, addCustomer, addReseller, list, newCustomer, read } from './companies.ts'
import { assertInvalid, assertNoBody, callPortal, errorOf, idOf, type PortalCall, without } from './portal.ts'
import { newToken, useTarget } from './target.ts'

const target = useTarget()

const get = (id: string, query = '', call: PortalCall = {}) =>
  callPortal(target, 'GET', `/Customers/${id}${query}`, call)
const patch = (id: string, part: string, body: unknown, call: PortalCall = {}) =>
  callPortal(target, 'PATCH', `/Customers/${id}/${part}`, { ...call, body })

describe('creating and reading a customer', () => {
  test('all members of the model are kept and returned', async () => {
    const body = newCustomer({ internalIdentifier: 'C-1', phone: '912 345 678', country: 'pt' })
    const made = await callPortal(target, 'POST', '/customers', { body })
    const id = idOf(made)
    assert.equal(made.headers.location, `/v1/Customers/${id}`)
    const { createdAt, ...view } = await read(target, `/Customers/${id}`)
    assert.match(String(createdAt), /Z$/)
    assert.deepEqual(view, {
      ...body,
      ...{ id, country: 'PT', resellerId: null, providerCustomers: [], customerAssociations: [] },
      ...{ suspendedAt: null, deletedAt: null, resellerIds: [] },
    })
  })

  test('the required members must be present, and may be null but for two', async () => {
    const required = ['addressLine1', 'city', 'companyName', 'country', 'email', 'firstName', 'lastName']
    required.push('phone', 'state', 'zip')
    assertInvalid(await callPortal(target, 'POST', '/Customers', { body: {} }), required)
    const nulls = Object.fromEntries(Object.keys(newCustomer()).map((name) => [name, null]))
    assertInvalid(await callPortal(target, 'POST', '/Customers', { body: nulls }), ['companyName', 'country'])
    const body = { ...nulls, companyName: 'Acme', country: 'AQ' }
    const view = await read(
      target,
      `/Customers/${idOf(await callPortal(target, 'POST', '/Customers', { body }))}`,
    )
    assert.deepEqual([view.city, view.phone, view.internalIdentifier], [null, null, null])
  })

  test('values are checked by the rules for companies and their contacts', async () => {
    const wrong = {
      companyName: 'LLC',
      firstName: 'test',
      lastName: 'x'.repeat(41),
      email: 'a@microsoft.com',
    }
    const body = newCustomer({ ...wrong, phone: '12' })
    const fields = ['companyName', 'email', 'firstName', 'lastName', 'phone']
    assertInvalid(await callPortal(target, 'POST', '/Customers', { body }), fields)
    // One response names the rules that are broken and what is missing or of the wrong type.
    const mixed = { ...without(body, 'city'), state: 7, country: 'XX' }
    const all = [...fields, 'city', 'country', 'state'].sort()
    assertInvalid(await callPortal(target, 'POST', '/Customers', { body: mixed }), all)
    const placeless = { ...without(body, 'country'), phone: '912 345 678' }
    const others = [...fields.filter((name) => name !== 'phone'), 'country'].sort()
    assertInvalid(await callPortal(target, 'POST', '/Customers', { body: placeless }), others)
    const shape = newCustomer({
      zip: 'x'.repeat(31),
      country: 'PRT',
      email: 'no',
      city: 1,
      internalIdentifier: 'x'.repeat(256),
    })
    const shaped = ['city', 'country', 'email', 'internalIdentifier', 'zip']
    assertInvalid(await callPortal(target, 'POST', '/Customers', { body: shape }), shaped)
    assertInvalid(await callPortal(target, 'POST', '/Customers', { body: newCustomer({ country: 'XX' }) }), [
      'country',
    ])
  })

  test('an id is adopted when it is free, and names are not unique', async () => {
    const id = randomUUID()
    const body = newCustomer({ id: id.toUpperCase() })
    assert.equal(idOf(await callPortal(target, 'POST', '/Customers', { body })), id)
    const again = await callPortal(target, 'POST', '/Customers', { body })
    assertInvalid(again, ['id'], 'Conflict')
    const nil = { ...body, id: '00000000-0000-0000-0000-000000000000' }
    assert.notEqual(idOf(await callPortal(target, 'POST', '/Customers', { body: nil })), id)
    assertInvalid(
      await callPortal(target, 'POST', '/Customers', { body: { ...body, id: target.init.provider.id } }),
      ['id'],
      'Conflict',
    )
  })

  test('an idempotency key makes a repeated create safe', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const body = newCustomer()
    const [one, other] = [
      await callPortal(target, 'POST', '/Customers', { body, headers }),
      await callPortal(target, 'POST', '/Customers', { body, headers }),
    ]
    assert.equal(idOf(one), idOf(other))
    assert.equal(other.headers.location, one.headers.location)
    // What the server sets is ignored in a body, whatever it is.
    const again = { ...body, providerCustomers: 7, customerAssociations: [{ id: 'x' }] }
    assert.equal(idOf(await callPortal(target, 'POST', '/Customers', { body: again, headers })), idOf(one))
  })

  test('a reseller creates customers of its own, and sees its own identifier', async () => {
    const caller = await addCaller(target)
    const { id: reseller } = caller
    const id = await addCustomer(target, { internalIdentifier: 'mine' }, caller)
    const own = await read(target, `/Customers/${id}`, caller)
    assert.deepEqual([own.resellerId, own.internalIdentifier], [reseller, 'mine'])
    assert.equal('resellerIds' in own, false)
    const view = await read(target, `/Customers/${id}`)
    assert.deepEqual([view.resellerId, view.internalIdentifier], [null, null])
    assert.deepEqual(view.resellerIds, [reseller])
    const related = await read(target, `/Customers/${id}?resellerId=${reseller}`)
    assert.deepEqual([related.resellerId, related.internalIdentifier], [reseller, 'mine'])
  })

  test('a contact is not in the domain of the reseller', async () => {
    const domain = `${randomUUID()}.example`
    const resellerId = await addReseller(target, { email: `info@${domain}` })
    const body = newCustomer({ resellerId, email: `ada@mail.${domain}` })
    assertInvalid(await callPortal(target, 'POST', '/Customers', { body }), ['email'])
    const id = await addCustomer(target, { resellerId })
    const change = { customer: { email: `ada@${domain}` } }
    assertInvalid(await patch(id, 'account-info', change), ['customer.email'])
    await callPortal(target, 'PUT', `/Resellers/${resellerId}/portal`, { body: { domain: `p.${domain}` } })
    const direct = newCustomer({ email: `ada@${domain}` })
    idOf(await callPortal(target, 'POST', '/Customers', { body: direct }))
  })

  test('a reseller context that is unknown, foreign or not related is refused', async () => {
    const [caller, other] = [await addCaller(target), await addReseller(target)]
    const customer = await addCustomer(target, { resellerId: other })
    errorOf(
      await callPortal(target, 'POST', '/Customers', { body: newCustomer({ resellerId: randomUUID() }) }),
      404,
      'NotFound',
    )
    for (const resellerId of [other, randomUUID()]) {
      const body = newCustomer({ resellerId })
      assertNoBody(await callPortal(target, 'POST', '/Customers', { ...caller, body }), 403)
      assertNoBody(await get(customer, `?resellerId=${resellerId}`, caller), 403)
    }
    assertNoBody(await get(customer, `?resellerId=${caller.id}`), 403)
    errorOf(await get(customer, `?resellerId=${randomUUID()}`), 404, 'NotFound')
    const [foreign, absent] = [await get(customer, '', caller), await get(randomUUID(), '', caller)]
    const [a, b] = [errorOf(foreign, 404, 'NotFound'), errorOf(absent, 404, 'NotFound')]
    assert.equal(a.description.length, b.description.length)
  })

  test('a customer reads itself, without what others call it', async () => {
    const id = await addCustomer(target, { internalIdentifier: 'C-9' })
    const token = await newToken(target, id, 'viewer')
    const own = await read(target, `/Customers/${id}`, { token })
    assert.deepEqual([own.id, own.internalIdentifier, own.resellerId], [id, null, null])
    assertNoBody(await callPortal(target, 'GET', '/Customers', { token }), 403)
    errorOf(await get(target.init.customer.id, '', { token }), 404, 'NotFound')
  })
})

describe('changing a customer', () => {
  test('parts are taken, and the rest stays', async () => {
    const body = newCustomer()
    const id = idOf(await callPortal(target, 'POST', '/Customers', { body }))
    const change = { customer: { city: 'Porto', addressLine2: null, id: randomUUID() } }
    assert.equal((await patch(id, 'account-info', change)).status, 204)
    const view = await read(target, `/Customers/${id}`)
    const { city, addressLine2, companyName, zip } = view
    assert.deepEqual([city, addressLine2, companyName, zip], ['Porto', null, body.companyName, body.zip])
    assert.equal((await patch(id, 'account-info', { customer: {} })).status, 204)
    assertInvalid(await patch(id, 'account-info', {}), ['customer'])
    assertInvalid(await patch(id, 'account-info', { customer: { country: null } }), ['customer.country'])
  })

  test('only members that differ are checked', async () => {
    const id = target.init.customer.id
    await target.operator.addCustomer()
    const view = await read(target, `/Customers/${id}`)
    const name = String(view.companyName)
    assert.equal(
      (await patch(id, 'account-info', { customer: { companyName: name, city: 'Faro' } })).status,
      204,
    )
    const wrong = { customer: { companyName: 'X', phone: '912345678', firstName: 'admin' } }
    const fields = ['customer.companyName', 'customer.firstName', 'customer.phone']
    assertInvalid(await patch(id, 'account-info', wrong), fields)
    const whole = { customer: { ...without(newCustomer(), 'companyName'), phone: '912345678' } }
    assert.equal((await patch(id, 'account-info', whole)).status, 204)
  })

  test('an internal identifier belongs to a relation', async () => {
    const caller = await addCaller(target)
    const resellerId = caller.id
    const id = await addCustomer(target, { resellerId, internalIdentifier: 'R-1' })
    assert.equal((await patch(id, 'internal-identifier', { internalIdentifier: 'P-1' })).status, 204)
    const identifierOf = async (query: string, by: PortalCall = {}) =>
      (await read(target, `/Customers/${id}${query}`, by)).internalIdentifier
    assert.deepEqual([await identifierOf(''), await identifierOf('', caller)], ['P-1', 'R-1'])
    const byReseller = await patch(
      id,
      'internal-identifier',
      { internalIdentifier: null, resellerId: null },
      caller,
    )
    assert.equal(byReseller.status, 204)
    const byProvider = await patch(id, 'internal-identifier', { internalIdentifier: 'R-3', resellerId })
    assert.equal(byProvider.status, 204)
    assert.deepEqual([await identifierOf(''), await identifierOf('', caller)], ['P-1', 'R-3'])
    assertInvalid(await patch(id, 'internal-identifier', {}), ['internalIdentifier'])
    const foreign = { internalIdentifier: 'x', resellerId: randomUUID() }
    assertNoBody(await patch(id, 'internal-identifier', foreign, caller), 403)
    errorOf(await patch(id, 'internal-identifier', foreign), 404, 'NotFound')
    const unrelated = { internalIdentifier: 'x', resellerId: await addReseller(target) }
    assertNoBody(await patch(id, 'internal-identifier', unrelated), 403)
  })

  test('the audit log has the values before and after, those of the contact sealed', async () => {
    const id = await addCustomer(target)
    const headers = { 'x-correlation-id': randomUUID() }
    const body = { customer: { country: 'ES', phone: '+34 912 345 678', firstName: 'Grace' } }
    await callPortal(target, 'PATCH', `/Customers/${id}/account-info`, { body, headers })
    const [entry] = await target.operator.listAudit(headers['x-correlation-id'])
    assert.deepEqual(
      [entry?.operation, entry?.outcome, entry?.organization, [...(entry?.changedFields ?? [])].sort()],
      ['UpdateCustomer', 'updated', id, ['country', 'firstName', 'phone']],
    )
    assert.equal(target.log().includes('Grace'), false)
  })
})

describe('listing customers', () => {
  test('search, sort and pages', async () => {
    const mark = randomUUID().slice(0, 8)
    const caller = await addCaller(target, 'viewer')
    const resellerId = caller.id
    const names = ['ábc', 'Abd', 'zeta', 'STRASSE', '100%']
    for (const [i, name] of names.entries())
      await addCustomer(target, {
        companyName: `${mark} ${name}`,
        email: `a@${mark}-${i}.example`,
        internalIdentifier: `${mark}#${i}`,
        ...(i < 3 && { resellerId }),
      })
    const namesOf = async (query: string, by: PortalCall = {}) =>
      (await list(target, `/Customers?${query}`, by)).items.map(({ companyName }) =>
        String(companyName).slice(9),
      )
    const byName = ['100%', 'Abd', 'STRASSE', 'zeta', 'ábc']
    assert.deepEqual(await namesOf(`searchValue=${mark}`), byName)
    assert.deepEqual(await namesOf(`SEARCHVALUE=${mark}&ascendingorder=false`), byName.toReversed())
    const page = await list(
      target,
      `/Customers?searchValue=${mark}&pageSize=2&pageNumber=2&sortPropertyName=Company.Name`,
    )
    assert.deepEqual([page.totalCount, page.totalPages, page.items.length], [5, 3, 2])
    assert.deepEqual(await namesOf(`searchValue=${mark}&pageNumber=9`), [])
    assert.deepEqual(await namesOf(`searchValue=${encodeURIComponent(`${mark} straße`)}`), ['STRASSE'])
    assert.deepEqual(await namesOf(`searchValue=${encodeURIComponent(`${mark} 100%`)}`), ['100%'])
    assert.deepEqual(await namesOf(`searchValue=${encodeURIComponent(`${mark}%`)}`), [])
    assert.deepEqual(await namesOf(`searchValue=${mark}-1.EXAMPLE&searchField=Domain`), ['Abd'])
    const mine = ['Abd', 'zeta', 'ábc']
    assert.deepEqual(await namesOf(`searchValue=${mark}`, caller), mine)
    assert.deepEqual(await namesOf(`searchValue=${mark}&resellerId=${resellerId}`), mine)
    const byIdentifier = `searchValue=${mark}%23&searchField=InternalIdentifier`
    assert.deepEqual(await namesOf(byIdentifier), ['100%', 'STRASSE'])
    assert.deepEqual(await namesOf(byIdentifier, caller), mine)
    const [item] = (await list(target, `/Customers?searchValue=${mark}`, caller)).items
    assert.deepEqual([item?.resellerId, item?.internalIdentifier], [resellerId, `${mark}#1`])
  })

  test('a customer is found by the id of its tenant or of its org', async () => {
    const id = await addCustomer(target)
    const org = randomUUID()
    const tenant = await target.operator.createTenant({ customer: id, orgs: [org] })
    for (const value of [tenant.id, org, org.toUpperCase()]) {
      const { items } = await list(target, `/Customers?searchField=ProviderCustomerId&searchValue=${value}`)
      assert.deepEqual(
        items.map((one) => one.id),
        [id],
        value,
      )
      assert.deepEqual(
        items.flatMap((one) => (one.providerCustomers as { id: string }[]).map((own) => own.id)),
        [tenant.id],
      )
    }
    const part = tenant.id.slice(1)
    const none = await list(target, `/Customers?searchField=ProviderCustomerId&searchValue=${part}`)
    assert.equal(none.totalCount, 0)
  })

  test('parameters out of range are refused, all in one response', async () => {
    const query = `pageNumber=0&pageSize=2001&searchField=x&sortPropertyName=x&ascendingOrder=x&includeDeleted=2&resellerId=x`
    const wrong = await callPortal(target, 'GET', `/Customers?${query}&searchValue=${'x'.repeat(256)}`)
    assertInvalid(wrong, [
      ...['ascendingOrder', 'includeDeleted', 'pageNumber', 'pageSize', 'resellerId', 'searchField'],
      ...['searchValue', 'sortPropertyName'],
    ])
    assertInvalid(await callPortal(target, 'GET', '/Customers?searchField=Domain'), ['searchValue'])
    assertInvalid(await callPortal(target, 'GET', '/Customers?pageSize=1&pageSize=1'), ['pageSize'])
  })
})
