import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { getToken, type Init, serveNew, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'

/** More than a stop takes on a busy machine, and less than any limit or timer of Usher. */
const STOP_MS = 1_900

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  test(`${signal} stops a server in order, as soon as its work has ended`, async (t) => {
    const usher = await serveNew()
    t.after(() => usher.end())
    const token = await getToken(usher.url, usher.init.clients.administrator)
    // Leaves connections open, to the server and to the database.
    for (const email of ['ada@example.com', 'bob@example.com'])
      assert.equal((await createUser(usher.url, usher.init, { token, email })).status, 201)
    const begun = Date.now()
    assert.equal(await usher.stop(signal), 0)
    assert.ok(Date.now() - begun < STOP_MS, `the stop took ${Date.now() - begun} ms`)
    assert.match(usher.log(), new RegExp(`"signal":"${signal}","msg":"stopping"`))
    assert.match(usher.log(), /"msg":"stopped"/)
  })

test('further signals change nothing: a request in progress gets its response, and the stop ends with 0', async (t) => {
  const usher = await serveNew()
  t.after(() => usher.end())
  const token = await getToken(usher.url, usher.init.clients.administrator)
  const body = JSON.stringify({ firstName: null, lastName: null, email: 'slow@example.com', groups: [] })
  const request = startRequest(usher, { token, body })
  request.write(body.slice(0, 10))
  await request.accepted
  const stopping = usher.stop('SIGINT')
  await waitUntil(async () => usher.log().includes('"msg":"stopping"'), 10_000)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGINT'] as const) usher.process.kill(signal)
  request.write(body.slice(10))
  assert.match(await request.response, /^HTTP\/1\.1 201 /)
  assert.equal(await stopping, 0)
  assert.equal([...usher.log().matchAll(/"msg":"stopping"/g)].length, 1)
})

test('a request that never ends is given up after 4 s, which the log says', async (t) => {
  const usher = await serveNew()
  t.after(() => usher.end())
  const token = await getToken(usher.url, usher.init.clients.administrator)
  const request = startRequest(usher, { token, body: 'never sent' })
  request.write('never')
  await request.accepted
  const begun = Date.now()
  assert.equal(await usher.stop(), 0)
  assert.ok(Date.now() - begun > 3_900 && Date.now() - begun < 9_000)
  assert.match(usher.log(), /"afterMs":4000,"connections":1,"msg":"gave up requests that did not end"/)
})

/** Begins a create, whose body the caller writes. `accepted` resolves when the server has read the headers. */
function startRequest(
  { url, init }: { url: string; init: Init },
  { token, body }: { token: string; body: string },
): { accepted: Promise<unknown>; response: Promise<string>; write(text: string): void } {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /v1/customer/${init.customer.id}/users HTTP/1.1\r\nHost: usher\r\nConnection: close\r\n` +
      `Authorization: Bearer ${token}\r\nX-Tenant: ${init.portal}\r\nContent-Type: application/json\r\n` +
      `Expect: 100-continue\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
  )
  const { promise: response, resolve } = Promise.withResolvers<string>()
  const { promise: accepted, resolve: accept } = Promise.withResolvers<void>()
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
    if (text.startsWith('HTTP/1.1 100 Continue\r\n\r\n')) {
      text = text.slice('HTTP/1.1 100 Continue\r\n\r\n'.length)
      accept()
    }
  })
  socket.on('error', () => undefined)
  socket.on('close', () => resolve(text))
  return { accepted, response, write: (part) => socket.write(part) }
}

test('SIGTERM in the middle of creates completes those in progress, and loses none that was confirmed', async (t) => {
  const usher = await serveNew()
  t.after(() => usher.end())
  const token = await getToken(usher.url, usher.init.clients.administrator)
  const confirmed: string[] = []
  let stopping: Promise<number | null> | undefined
  const create = async (worker: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const email = `w${worker}.${i}@example.com`
      const response = await createUser(usher.url, usher.init, { token, email }).catch(() => undefined)
      if (!response) return
      assert.equal(response.status, 201)
      confirmed.push(email)
      if (confirmed.length === 200) stopping = usher.stop()
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, worker) => create(worker)))
  assert.equal(await stopping, 0)
  const words = ['user', 'list', '--organization', usher.init.customer.id]
  const kept = await usherJson<{ email: string }[]>(usher.dataDir, words)
  const emails = new Set(kept.map((user) => user.email))
  assert.deepEqual(
    confirmed.filter((email) => !emails.has(email)),
    [],
  )
})

function createUser(url: string, init: Init, user: { token: string; email: string }): Promise<Response> {
  return fetch(`${url}/v1/customer/${init.customer.id}/users`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-tenant': init.portal,
      authorization: `Bearer ${user.token}`,
    },
    body: JSON.stringify({ firstName: null, lastName: null, email: user.email, groups: [] }),
  })
}
