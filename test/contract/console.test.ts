import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf, send } from '../../testing/http.ts'
import { type ConsoleClient, enterFirst, nameOf, type Problem, sendToConsole } from './console-client.ts'
import { useOwnTarget } from './target.ts'

let grace: ConsoleClient
const target = useOwnTarget({}, async () => {
  grace = await enterFirst(target)
})

interface Me {
  readonly user: { readonly id: string; readonly email: string }
  readonly organization: { readonly id: string; readonly kind: string }
  readonly permission: string
  readonly permitted: readonly string[]
  readonly session: { readonly id: string; readonly method: string }
}

test('the link of the set-up makes the first Administrator of the provider', async () => {
  const me = await grace.call<Me>('GET', '/me')
  assert.equal(me.user.email, 'grace@example.com')
  assert.deepEqual([me.organization.kind, me.organization.id], ['provider', target.init.provider.id])
  assert.deepEqual([me.permission, me.session.method], ['administrator', 'link'])
  assert.ok(me.permitted.includes('CreateUser') && !me.permitted.includes('RotateKey'))
  const [person] = await target.operator.listUsers(target.init.provider.id)
  assert.deepEqual([person?.id, person?.groups], [me.user.id, ['Administrator']])
})

test('without a session, a call of the console is refused with 401 in its error model', async () => {
  const name = nameOf(grace.cookie)
  for (const cookie of [
    undefined,
    `${name}=`,
    `${name}=x`,
    `${name}=${'A'.repeat(43)}`,
    `o=1; ${name}=\u00e9`,
  ]) {
    const response = await sendToConsole(target.url, 'GET', '/me', { headers: { cookie } })
    const problem = jsonOf<Problem>(response)
    assert.deepEqual([response.status, problem.code], [401, 'not_signed_in'])
    assert.equal(problem.correlationId, response.headers['x-correlation-id'])
  }
})

test('calls from other sites, other ports and other tools are refused', async () => {
  const { host, origin } = new URL(target.url)
  const call = async (headers: Record<string, string | undefined>) => {
    const sent = { 'sec-fetch-site': undefined, cookie: grace.cookie, ...headers }
    return (await sendToConsole(target.url, 'GET', '/me', { headers: sent })).status
  }
  for (const site of ['cross-site', 'same-site', 'none', '', 'same-origin, cross-site'])
    assert.equal(await call({ 'sec-fetch-site': site, origin }), 403, site)
  for (const other of [undefined, 'null', 'http://evil.example', `https://${host}`, 'http://127.0.0.1:1'])
    assert.equal(await call({ origin: other }), 403, `${other}`)
  assert.equal(await call({ origin }), 200)
})

test('a foreign host is refused, for the API and for the pages', async () => {
  for (const host of ['evil.example', `evil.example:${new URL(target.url).port}`, '192.0.2.1', 'a b'])
    for (const path of ['/console', '/console/users', '/console/api/me']) {
      const headers = { host, cookie: grace.cookie, 'sec-fetch-site': 'same-origin' }
      const { status } = await send(target.url, { method: 'GET', path, headers })
      assert.ok([421, 400].includes(status), `${host} ${path}: ${status}`)
    }
})

test('an unknown path of the API, or of the files, is not the page', async () => {
  assert.equal((await grace.send('GET', '/nothing')).status, 404)
  assert.equal((await grace.send('POST', '/me')).status, 404)
  for (const path of ['/console/assets/nothing.js', '/console/assets/']) {
    const response = await send(target.url, {
      method: 'GET',
      path,
      headers: { host: new URL(target.url).host },
    })
    assert.equal(response.status, 404, path)
  }
})

test('pages need no session, and let no script in', async () => {
  for (const path of ['/console', '/console/', '/console/enter', '/console/users/1']) {
    const response = await send(target.url, {
      method: 'GET',
      path,
      headers: { host: new URL(target.url).host },
    })
    assert.equal(response.status, 200, path)
    const policy = String(response.headers['content-security-policy'])
    assert.match(policy, /^default-src 'none'; script-src 'self';.*require-trusted-types-for 'script'/)
    assert.doesNotMatch(policy, /unsafe|nonce/)
    assert.doesNotMatch(response.text, /<script>|<script [^>]*>[^<]| style=| on\w+=/)
  }
})
