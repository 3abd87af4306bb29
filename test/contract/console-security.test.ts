import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  type ConsoleClient,
  cookieOf,
  enterByLink,
  enterFirst,
  nameOf,
  type Problem,
  SAME_ORIGIN,
  sendToConsole,
  tokenOf,
} from './console-client.ts'
import { useOwnTarget } from './target.ts'

let grace: ConsoleClient
let viewer: ConsoleClient
let viewerId = ''
const target = useOwnTarget({}, async () => {
  grace = await enterFirst(target)
  viewerId = await addPerson('Viewer')
  viewer = await enterAs(viewerId)
})

interface Link {
  readonly link: string
}

/** Creates a user over the partner portal's API; returns their id. */
async function addPerson(group: 'Administrator' | 'Viewer'): Promise<string> {
  const response = await send(target.url, {
    method: 'POST',
    path: '/v1/users',
    headers: {
      authorization: `Bearer ${target.token}`,
      'x-tenant': target.init.portal,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      ...{ firstName: 'P', lastName: 'Q', email: `${randomUUID()}@example.com` },
      groups: [{ id: target.init.groups[group] }],
    }),
  })
  assert.equal(response.status, 201, response.text)
  return jsonOf<string>(response)
}

async function enterAs(id: string): Promise<ConsoleClient> {
  const { link } = await grace.call<Link>('POST', `/people/${id}/link`)
  return enterByLink(target.url, link)
}

/** Changes a user over the partner portal's API. */
function change(method: string, path: string, body?: object): Promise<HttpResponse> {
  return send(target.url, {
    method,
    path: `/v1/users/${path}`,
    headers: {
      authorization: `Bearer ${target.token}`,
      'x-tenant': target.init.portal,
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
  })
}

test('the cookie of a session is for the server alone, and for its own site alone', async () => {
  const { link } = await grace.call<Link>('POST', `/people/${viewerId}/link`)
  const response = await sendToConsole(target.url, 'POST', '/enter', { body: { token: tokenOf(link) } })
  const [cookie = '', ...others] = response.headers['set-cookie'] ?? []
  assert.match(cookie, /^usher-[0-9a-f]{8}=[A-Za-z0-9_-]{43}; SameSite=Strict; Path=\/; HttpOnly$/)
  assert.deepEqual(others, [])
  assert.equal(response.headers['cache-control'], 'no-store')
})

test('a link is good once, and a wrong one looks like a used one', async () => {
  const { link } = await grace.call<Link>('POST', `/people/${viewerId}/link`)
  await enterByLink(target.url, link)
  const problems = []
  for (const token of [tokenOf(link), 'A'.repeat(43), 'x', '']) {
    const response = await sendToConsole(target.url, 'POST', '/enter', { body: { token } })
    const { statusCode, code, description } = jsonOf<Problem>(response)
    assert.equal(response.headers['set-cookie'], undefined)
    problems.push({ statusCode, code, description })
  }
  for (const problem of problems) assert.deepEqual(problem, problems[0])
  assert.deepEqual([problems[0]?.statusCode, problems[0]?.code], [403, 'link_not_valid'])
})

test('a session that was set from outside does not become one, and a new sign-in has a new one', async () => {
  const { link } = await grace.call<Link>('POST', `/people/${viewerId}/link`)
  const fixed = `${nameOf(viewer.cookie)}=${'F'.repeat(43)}`
  const headers = { cookie: fixed }
  const response = await sendToConsole(target.url, 'POST', '/enter', {
    body: { token: tokenOf(link) },
    headers,
  })
  assert.equal(response.status, 200)
  assert.notEqual(cookieOf(response), fixed)
  assert.equal((await sendToConsole(target.url, 'GET', '/me', { headers })).status, 401)
})

test('a post from another site or port changes nothing, whatever it carries', async () => {
  const { origin, host } = new URL(target.url)
  const { items } = await viewer.call<{ items: { id: string }[] }>('GET', '/sessions')
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', undefined]) {
    for (const from of [
      { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' },
      { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:3000' },
      { origin: 'http://127.0.0.1:3000' },
      { origin: 'null' },
      {},
    ]) {
      const headers = { host, cookie: viewer.cookie, ...from, ...(type && { 'content-type': type }) }
      const response = await send(target.url, {
        method: 'POST',
        path: '/console/api/session/end',
        headers,
        body: '{}',
      })
      assert.deepEqual([response.status, jsonOf<Problem>(response).code], [403, 'cross_site'])
    }
  }
  const headers = { host, cookie: viewer.cookie, origin, 'content-type': 'text/plain' }
  const plain = await send(target.url, {
    method: 'POST',
    path: '/console/api/session/end',
    headers,
    body: '{}',
  })
  assert.equal(plain.status, 415)
  assert.deepEqual((await viewer.call<{ items: object[] }>('GET', '/sessions')).items.length, items.length)
})

test('a path that only looks like one of the API is refused in the same way', async () => {
  const { host } = new URL(target.url)
  for (const path of ['/console/api/nothing', '/console//api/me', '/console//api'])
    for (const method of ['POST', 'OPTIONS']) {
      const response = await send(target.url, { method, path, headers: { host } })
      assert.deepEqual(
        [response.status, jsonOf<Problem>(response).code],
        [403, 'cross_site'],
        `${method} ${path}`,
      )
      const foreign = await send(target.url, {
        method,
        path,
        headers: { host: 'evil.example', ...SAME_ORIGIN },
      })
      assert.deepEqual(
        [foreign.status, jsonOf<Problem>(foreign).code],
        [421, 'wrong_host'],
        `${method} ${path}`,
      )
    }
})

test('no response lets another site read it', async () => {
  const headers = { cookie: grace.cookie, origin: 'http://evil.example' }
  for (const method of ['GET', 'OPTIONS', 'POST']) {
    const response = await sendToConsole(target.url, method, '/me', { headers })
    for (const name of Object.keys(response.headers)) assert.doesNotMatch(name, /^access-control-/)
    assert.equal(response.headers['cross-origin-resource-policy'], 'same-origin')
  }
})

test("a viewer who sends an administrator's call by hand is refused, and it is audited", async () => {
  const response = await viewer.send('POST', `/people/${viewerId}/link`)
  const problem = jsonOf<Problem>(response)
  assert.deepEqual([response.status, problem.code], [403, 'not_permitted'])
  const [entry] = await target.operator.listAudit(problem.correlationId)
  assert.deepEqual(
    [entry?.operation, entry?.status, entry?.caller],
    ['CreateSignInLink', 'Failed', `person:${viewerId}`],
  )
})

test('foreign and absent sessions and people look alike', async () => {
  const { session } = await grace.call<{ session: { id: string } }>('GET', '/me')
  const describe = async (method: string, path: string, id: string) => {
    const { statusCode, code, description } = jsonOf<Problem>(await viewer.send(method, path))
    return { statusCode, code, description: description.replace(id, 'ID') }
  }
  const absent = randomUUID()
  const foreign = await describe('DELETE', `/sessions/${session.id}`, session.id)
  assert.deepEqual(foreign, await describe('DELETE', `/sessions/${absent}`, absent))
  assert.equal(foreign.statusCode, 404)
})

test('people end their own sessions, and the one of the call too', async () => {
  const [one, other] = [await enterAs(viewerId), await enterAs(viewerId)]
  const { session } = await one.call<{ session: { id: string } }>('GET', '/me')
  const listed = await other.call<{ items: { id: string; current: boolean }[] }>('GET', '/sessions')
  assert.equal(listed.items.find(({ id }) => id === session.id)?.current, false)
  assert.equal(listed.items.filter(({ current }) => current).length, 1)
  assert.equal((await other.send('DELETE', `/sessions/${session.id}`)).status, 204)
  assert.equal((await one.send('GET', '/me')).status, 401)
  const ended = await other.send('POST', '/session/end')
  assert.match(String(ended.headers['set-cookie']), /^usher-[0-9a-f]{8}=; Max-Age=0; /)
  assert.equal((await other.send('GET', '/me')).status, 401)
})

test('a person who is suspended, deleted or loses their groups is out within 5 seconds', async () => {
  const out: Record<string, (id: string) => Promise<HttpResponse>> = {
    suspended: (id) => change('POST', `${id}/suspend`),
    deleted: (id) => change('DELETE', id),
    demoted: (id) => change('PATCH', id, { groups: [] }),
  }
  const started = await Promise.all(
    Object.values(out).map(async (take) => {
      const id = await addPerson('Administrator')
      const browser = await enterAs(id)
      await browser.call('GET', '/me')
      assert.equal((await take(id)).status, 204)
      return browser
    }),
  )
  for (const browser of started)
    await waitUntil(async () => (await browser.send('GET', '/me')).status === 401, 5_000)
})

test('an administrator who becomes a viewer is refused what viewers may not do', async () => {
  const id = await addPerson('Administrator')
  const browser = await enterAs(id)
  assert.equal((await browser.send('POST', `/people/${id}/link`)).status, 201)
  await change('PATCH', id, { groups: [{ id: target.init.groups.Viewer }] })
  await waitUntil(async () => (await browser.send('POST', `/people/${id}/link`)).status === 403, 5_000)
  assert.equal((await browser.call<{ permission: string }>('GET', '/me')).permission, 'viewer')
})

test('a person repeats a call by its idempotency key, and no other person gets its response', async () => {
  const keyed = { 'idempotency-key': 'k' }
  const path = `/people/${viewerId}/link`
  const first = await grace.send('POST', path, undefined, keyed)
  assert.deepEqual(jsonOf(await grace.send('POST', path, undefined, keyed)), jsonOf(first))
  const other = await enterAs(await addPerson('Administrator'))
  assert.notDeepEqual(jsonOf(await other.send('POST', path, undefined, keyed)), jsonOf(first))
  const reused = await grace.send('POST', `/people/${randomUUID()}/link`, undefined, keyed)
  assert.deepEqual([reused.status, jsonOf<Problem>(reused).code], [409, 'idempotency_key_reused'])
})

test('markup and control characters in names change neither pages nor headers', async () => {
  const names = { firstName: '<script>alert(1)</script>', lastName: '"\u202e\r\nSet-Cookie: x=1' }
  const id = await addPerson('Viewer')
  assert.equal((await change('PATCH', id, names)).status, 204)
  const browser = await enterAs(id)
  const response = await browser.send('GET', '/me')
  assert.match(String(response.headers['content-type']), /^application\/json/)
  assert.equal(response.headers['x-content-type-options'], 'nosniff')
  const { user } = jsonOf<{ user: { firstName: string } }>(response)
  assert.equal(user.firstName, names.firstName)
  const page = await send(target.url, {
    method: 'GET',
    path: '/console',
    headers: { host: new URL(target.url).host },
  })
  assert.ok(!page.text.includes('alert'))
})

test('what is wrong with a request is said by member and rule, all at once', async () => {
  const body = { token: 1, firstName: 'x'.repeat(300) }
  const response = await sendToConsole(target.url, 'POST', '/enter', { body })
  const { code, errors } = jsonOf<Problem>(response)
  assert.deepEqual([response.status, code], [400, 'invalid'])
  assert.deepEqual(
    errors.map(({ propertyName }) => propertyName),
    ['firstName', 'token'],
  )
  for (const text of ['{', '[]', 'null', '"x"', '{"token":"\\ud800"}', '{"__proto__":1}']) {
    const headers = { host: new URL(target.url).host, ...SAME_ORIGIN, 'content-type': 'application/json' }
    const { status } = await send(target.url, {
      method: 'POST',
      path: '/console/api/enter',
      headers,
      body: text,
    })
    assert.ok(status === 400 || status === 403, `${text}: ${status}`)
  }
})

test('no log line has a token or a link', async () => {
  const { link } = await grace.call<Link>('POST', `/people/${viewerId}/link`)
  await sendToConsole(target.url, 'POST', '/enter', { body: { token: tokenOf(link), firstName: 1 } })
  await enterByLink(target.url, link)
  const secrets = [tokenOf(link), viewer.cookie.slice(6), grace.cookie.slice(6)]
  for (const secret of secrets) assert.ok(!target.log().includes(secret))
})
