import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
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
