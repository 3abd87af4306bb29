import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { driveLikeOse } from '../contract/ose-scenarios.ts'
import { OPERATIONS, StrictClient } from '../contract/strict-client.ts'
import { adoptTenant, gateway, listUids, removeTenants } from './gateway.ts'

let target: StartedTarget

before(async () => {
  target = await startTarget({
    USHER_CEPH_RGW_URL: gateway.url,
    USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
    USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
  })
})

after(async () => {
  await target.end()
  await removeTenants()
})

test('with users on a real gateway, too, a strict client gets an object from every operation that is implemented', async () => {
  const client = new StrictClient(target.url)
  const { client_id: username, client_secret: password } = target.init.clients.osis
  const { tenant, notImplemented } = await driveLikeOse(client, { username, password })
  adoptTenant(tenant)
  assert.deepEqual(notImplemented, ['getBucketLoggingId', 'getConsole'])
  assert.deepEqual([...client.called, ...notImplemented].sort(), Object.keys(OPERATIONS).sort())
  assert.deepEqual(await listUids(tenant), [])
})
