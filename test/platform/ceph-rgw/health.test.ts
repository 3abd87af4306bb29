import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type FakeGateway,
  findClosedUrl,
  hang,
  newPlatform,
  respond,
  startFakeGateway,
} from './fake-gateway.ts'

let gateway: FakeGateway

before(async () => {
  gateway = await startFakeGateway()
})
after(() => gateway.close())

test('an address where nothing listens is not healthy', async () => {
  const { version, health, reason } = await newPlatform(await findClosedUrl()).status()
  assert.deepEqual([version, health], ['unknown', 'ERROR'])
  assert.match(reason ?? '', /ECONNREFUSED/)
})

test('a gateway that hangs is not healthy, which one shared check finds within seconds', async () => {
  gateway.respondWith(hang)
  const platform = newPlatform(gateway.url)
  const begun = performance.now()
  const all = await Promise.all(Array.from({ length: 20 }, () => platform.status()))
  assert.ok(performance.now() - begun < 4_000)
  for (const { version, health, reason } of all) {
    assert.deepEqual([version, health], ['unknown', 'ERROR'])
    assert.match(reason ?? '', /did not respond to GET \/admin\/user within 2 s/)
  }
  assert.equal(gateway.asked.length, 1)
})

const CAPS = ['users', 'metadata', 'buckets'].map((type) => ({ type, perm: '*' }))

test('a gateway that newer releases name has a version', async () => {
  gateway.respondWith(
    respond(200, { caps: CAPS, system: 'false' }, { server: 'Ceph Object Gateway (squid)' }),
  )
  assert.deepEqual(await newPlatform(gateway.url).status(), { version: 'squid', health: 'NORMAL' })
})

test('missing caps are a warning that names them, unless the user may do everything', async () => {
  const caps = [CAPS[0], { type: 'metadata', perm: 'read' }]
  gateway.respondWith(respond(200, { caps, system: 'false' }))
  const { health, reason } = await newPlatform(gateway.url).status()
  assert.equal(health, 'WARNING')
  assert.match(reason ?? '', /lacks the caps metadata=\*;buckets=read$/)
  gateway.respondWith(respond(200, { caps: [], system: 'true' }))
  assert.equal((await newPlatform(gateway.url).status()).health, 'NORMAL')
})

test('nonsense is not a version, nor health', async () => {
  for (const nonsense of ['null', '[]', '{}', '<html>']) {
    gateway.respondWith(respond(200, nonsense))
    assert.equal((await newPlatform(gateway.url).status()).health, 'ERROR')
  }
})
