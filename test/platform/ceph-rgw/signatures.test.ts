import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import aws4 from 'aws4'
import fc from 'fast-check'
import { AdminClient } from '../../../src/platform/ceph-rgw/admin-client.ts'
import { rounds } from '../../../testing/full-length.ts'
import { anyCharacter } from '../../support/characters.ts'

interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const received: Received[] = []
const server = createServer((request, response) => {
  const { method = '', url: path = '', headers } = request
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    received.push({ method, path, headers, body: Buffer.concat(chunks).toString('utf8') })
    response.end()
  })
})
const KEY = { accessKeyId: 'ADMINKEY', secretAccessKey: 'admin-secret' }
const signal = new AbortController().signal
let client: AdminClient

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  client = new AdminClient({ url, accessKey: KEY.accessKeyId, secretKey: KEY.secretAccessKey, s3Url: url })
})

after(() => {
  server.closeAllConnections()
  server.close()
})

/** Returns the header that another implementation of AWS Signature Version 4 makes for what the server received. */
function signAgain({ method, path, headers, body }: Received): string | undefined {
  const signed = {
    'content-type': headers['content-type'],
    'x-amz-content-sha256': headers['x-amz-content-sha256'],
    'x-amz-date': headers['x-amz-date'],
  }
  assert.equal(headers['x-amz-content-sha256'], hash('sha256', body))
  // Without the body, whose hash is among the headers: aws4 would sign its length too.
  const request = { method, host: headers.host, path, headers: signed, service: 's3', region: 'default' }
  return aws4.sign(request as aws4.Request, KEY).headers?.Authorization as string
}

const text = fc.string({ unit: anyCharacter, maxLength: 20 })
const anyQuery = fc.dictionary(fc.stringMatching(/^[a-z-]{1,9}$/), text, {
  maxKeys: 4,
  noNullPrototype: true,
})

test('calls are signed as aws4 signs them, with any text in query and body', async () => {
  await fc.assert(
    fc.asyncProperty(anyQuery, fc.option(text), async (query, body) => {
      const call = { method: 'PUT', path: '/admin/metadata/user', query } as const
      await client.send(body === null ? call : { ...call, body }, signal)
      const last = received.pop() as Received
      assert.equal(last.headers.authorization, signAgain(last))
      assert.deepEqual(Object.fromEntries(new URL(last.path, 'http://rgw').searchParams), query)
    }),
    { numRuns: rounds(30, 300) },
  )
})

test('terms are in the order of their names, also where one name begins with another', async () => {
  const query = { uid: 'a', 'quota-type': 'user', quota: '', 'max-size': '1' }
  await client.send({ method: 'PUT', path: '/admin/user', query }, signal)
  const last = received.pop() as Received
  assert.equal(last.path, '/admin/user?max-size=1&quota=&quota-type=user&uid=a')
  assert.equal(last.headers.authorization, signAgain(last))
})

test('characters that only signatures encode are encoded', async () => {
  await client.send({ method: 'GET', path: '/admin/user', query: { uid: "a$b!'()*~ +/" } }, signal)
  assert.equal(received.pop()?.path, '/admin/user?uid=a%24b%21%27%28%29%2A~%20%2B%2F')
})

test('a new day has another key', async (context) => {
  const call = { method: 'GET', path: '/admin/user', query: {} } as const
  for (const day of ['2026-11-28T23:59:59Z', '2026-11-29T00:00:00Z']) {
    context.mock.timers.enable({ apis: ['Date'], now: new Date(day) })
    await client.send(call, signal)
    context.mock.timers.reset()
    const last = received.pop() as Received
    assert.equal(last.headers['x-amz-date'], day.replace(/[:-]/g, ''))
    assert.equal(last.headers.authorization, signAgain(last))
  }
})
