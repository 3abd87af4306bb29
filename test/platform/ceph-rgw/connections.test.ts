import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { AdminClient } from '../../../src/platform/ceph-rgw/admin-client.ts'
import { PlatformError } from '../../../src/platform/platform.ts'

const CONNECTIONS = 128

test('a call that is late while it waits for a connection fails at once, and is never sent', async () => {
  const waiting: ServerResponse[] = []
  const asked: string[] = []
  const full = Promise.withResolvers<void>()
  let isFull = false
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (isFull) return void response.end()
    if (waiting.push(response) === CONNECTIONS) full.resolve()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new AdminClient({ url, accessKey: 'A', secretKey: 'secret', s3Url: url })
  const { signal } = new AbortController()
  const call = (uid: string) => ({ method: 'GET', path: '/admin/user', query: { uid } }) as const
  try {
    const calls = Array.from({ length: CONNECTIONS }, () => client.send(call('early'), signal))
    await full.promise
    const cancelled = new AbortController()
    const late = client.send(call('late'), signal, 50)
    const aborted = client.send(call('aborted'), cancelled.signal)
    cancelled.abort()
    await assert.rejects(
      aborted,
      (error) => error instanceof PlatformError && /cancelled/.test(error.message),
    )
    await assert.rejects(
      late,
      (error) => error instanceof PlatformError && /within 0.05 s/.test(error.message),
    )
    isFull = true
    for (const response of waiting) response.end()
    await Promise.all(calls)
    await client.send(call('after'), signal)
    assert.deepEqual([...new Set(asked)], ['/admin/user?uid=early', '/admin/user?uid=after'])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
