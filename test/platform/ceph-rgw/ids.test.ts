import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PlatformError } from '../../../src/platform/platform.ts'
import { type FakeGateway, newPlatform, respond, startFakeGateway } from './fake-gateway.ts'

let gateway: FakeGateway
before(async () => {
  gateway = await startFakeGateway()
})
after(() => gateway.close())

const signal = new AbortController().signal

test('ids come page by page, each from where the one before ended', async () => {
  // As RGW 16.2 says it: `truncated` is a text.
  gateway.respondWith(
    respond(200, { keys: ['acme$ada', 'usher'], truncated: 'true', count: 2, marker: 'bWFyaw==' }),
    respond(200, { keys: ['acme$bob'], truncated: 'false', count: 1 }),
  )
  const platform = newPlatform(gateway.url)
  const first = await platform.listIds(null, signal)
  assert.deepEqual(first, { ids: ['acme$ada', 'usher'], next: 'bWFyaw==' })
  assert.deepEqual(await platform.listIds(first.next, signal), { ids: ['acme$bob'], next: null })
  assert.deepEqual(gateway.asked, [
    'GET /admin/metadata/user?max-entries=1000',
    'GET /admin/metadata/user?marker=bWFyaw%3D%3D&max-entries=1000',
  ])
})

test('a response that is no page is refused', async () => {
  const platform = newPlatform(gateway.url)
  const nonsense = [[], { keys: 'acme$ada' }, { keys: [1] }, { keys: [], truncated: true }]
  for (const body of nonsense) {
    gateway.respondWith(respond(200, body))
    await assert.rejects(platform.listIds(null, signal), PlatformError)
  }
})
