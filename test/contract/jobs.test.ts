import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { assertInvalid, assertNoBody, callPortal, errorOf } from './portal.ts'
import { newToken, useTarget } from './target.ts'

const PORTAL = 'jobs.reseller.example'

const target = useTarget()

test('a job that does not exist is not found, also for viewers and for resellers', async () => {
  const { provider, portal } = target.init
  const reseller = await target.operator.addReseller(PORTAL)
  const callers = [
    { portal },
    { portal, token: await newToken(target, provider.id, 'viewer') },
    { portal: PORTAL, token: await newToken(target, reseller) },
  ]
  for (const caller of callers) {
    const id = randomUUID()
    const { description } = errorOf(await callPortal(target, 'GET', `/jobs/${id}`, caller), 404, 'NotFound')
    assert.match(description, new RegExp(id))
  }
})

test('the id of a job is a UUID', async () => {
  assertInvalid(await callPortal(target, 'GET', '/jobs/7'), ['jobId'])
})

test('a job needs a token', async () => {
  const headers = { authorization: undefined }
  assertNoBody(await callPortal(target, 'GET', `/jobs/${randomUUID()}`, { headers }), 401)
})

test('a job is read at its Location by viewers of its context, and looks absent elsewhere', async () => {
  const portal = 'own.jobs.example'
  const reseller = await target.operator.addReseller(portal)
  const customer = await target.operator.addCustomer(reseller)
  const begun = await callPortal(target, 'DELETE', `/Customers/${customer}`)
  assert.equal(begun.status, 202, begun.text)
  const path = String(begun.headers.location).replace(/^\/v1/, '')
  for (const token of [target.token, await newToken(target, target.init.provider.id, 'viewer')]) {
    const response = await callPortal(target, 'GET', path, { token })
    assert.equal(response.status, 200, response.text)
    const { state, progress, ...job } = jsonOf<Record<string, unknown>>(response)
    assert.ok(['waiting', 'running', 'succeeded'].includes(String(state)))
    assert.deepEqual([job.operation, job.target, job.error], ['DeleteCustomer', customer, null])
    assert.deepEqual(Object.keys(progress as object), ['done', 'total'])
  }
  const stranger = { token: await newToken(target, reseller), portal }
  const absent = randomUUID()
  const foreign = errorOf(await callPortal(target, 'GET', path, stranger), 404, 'NotFound')
  const none = errorOf(await callPortal(target, 'GET', `/jobs/${absent}`, stranger), 404, 'NotFound')
  assert.equal(foreign.description.replace(path.slice('/jobs/'.length), absent), none.description)
})
