import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf, send } from '../../testing/http.ts'
import { startTarget } from '../../testing/target.ts'
import { newDataDir, runUsher, serve } from '../../testing/usher.ts'
import { type Problem, SAME_ORIGIN, sendToConsole, tokenOf } from './console-client.ts'

const PERSON = { firstName: 'Grace', lastName: 'Hopper', email: 'grace@example.com' }

test('over https, the cookie is bound to the host, and the console is at the public URL alone', async (t) => {
  const target = await startTarget({ USHER_PUBLIC_URL: 'https://usher.example/base' })
  t.after(() => target.end())
  const link = target.init.console.link ?? ''
  assert.ok(link.startsWith('https://usher.example/base/console/enter#'))
  const headers = { host: 'usher.example', ...SAME_ORIGIN, 'content-type': 'application/json' }
  const body = JSON.stringify({ token: tokenOf(link), ...PERSON })
  const response = await send(target.url, { method: 'POST', path: '/console/api/enter', headers, body })
  assert.equal(response.status, 200, response.text)
  const [cookie = ''] = response.headers['set-cookie'] ?? []
  assert.match(cookie, /^__Host-usher-[0-9a-f]{8}=[\w-]{43}; SameSite=Strict; Path=\/; HttpOnly; Secure$/)
  const get = async (path: string, more: Record<string, string>) =>
    (await send(target.url, { method: 'GET', path, headers: { ...headers, ...more } })).status
  const session = { cookie: cookie.split(';')[0] ?? '' }
  assert.equal(await get('/console/api/me', session), 200)
  // A cookie without the prefix may come from anywhere.
  assert.equal(await get('/console/api/me', { cookie: session.cookie.replace('__Host-', '') }), 401)
  for (const host of ['usher.example:443', 'USHER.example', 'localhost:8080'])
    assert.equal(await get('/console', { host }), 200, host)
  for (const host of ['usher.example:8443', 'evil.example', 'usher.example.evil.example'])
    assert.equal(await get('/console', { host }), 421, host)
  const page = await send(target.url, { method: 'GET', path: '/console', headers })
  assert.match(page.text, /<html lang="en" data-base="\/base" data-build="[\w-]{12}">/)
  assert.match(page.text, /src="\/base\/console\/assets\/index-[\w-]+\.js"/)
})

test('two Ushers on one host keep their sessions apart: cookies are the same for all ports', async (t) => {
  const targets = await Promise.all([startTarget(), startTarget()])
  t.after(() => Promise.all(targets.map((target) => target.end())))
  const [one, other] = targets
  // A browser keeps one cookie of a name for a host, whatever the port.
  const kept = new Map<string, string>()
  const call = async (url: string, method: string, path: string, body?: object) => {
    const cookie = [...kept].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await sendToConsole(url, method, path, { ...(body && { body }), headers: { cookie } })
    for (const set of response.headers['set-cookie'] ?? []) {
      const [name = '', value = ''] = set.split(';')[0]?.split('=') ?? []
      if (value === '') kept.delete(name)
      else kept.set(name, value)
    }
    return response.status
  }
  for (const { url, init } of targets)
    assert.equal(
      await call(url, 'POST', '/enter', { token: tokenOf(init.console.link ?? ''), ...PERSON }),
      200,
    )
  assert.equal(kept.size, 2)
  for (const { url } of targets) assert.equal(await call(url, 'GET', '/me'), 200)
  assert.equal(await call(one.url, 'POST', '/session/end'), 200)
  assert.equal(await call(one.url, 'GET', '/me'), 401)
  assert.equal(await call(other.url, 'GET', '/me'), 200)
})

test('over http beyond this machine, the console only says what to do', async (t) => {
  const target = await startTarget({ USHER_PUBLIC_URL: 'http://usher.example' })
  t.after(() => target.end())
  assert.equal(target.init.console.link, null)
  const headers = { host: 'usher.example', origin: 'http://usher.example' }
  const page = await send(target.url, { method: 'GET', path: '/console/users', headers })
  assert.equal(page.status, 403)
  assert.match(page.text, /needs https, or localhost.*USHER_PUBLIC_URL/)
  const response = await send(target.url, { method: 'GET', path: '/console/api/sign-in', headers })
  assert.deepEqual([response.status, jsonOf<Problem>(response).code], [403, 'insecure'])
  const { code, stdout, stderr } = await target.run('console', 'link')
  assert.deepEqual([code, stdout.trim()], [1, ''])
  assert.match(stderr, /The console needs https/)
})

test('usher console makes links, lists sessions and ends them', async (t) => {
  const target = await startTarget()
  t.after(() => target.end())
  const enter = async (link: string, person: object = {}): Promise<void> => {
    const headers = { host: new URL(target.url).host, ...SAME_ORIGIN, 'content-type': 'application/json' }
    const body = JSON.stringify({ token: tokenOf(link), ...person })
    assert.equal(
      (await send(target.url, { method: 'POST', path: '/console/api/enter', headers, body })).status,
      200,
    )
  }
  await enter((await target.cli<{ link: string }>('console', 'link')).link, PERSON)
  await enter((await target.cli<{ link: string }>('console', 'link', '--user', 'GRACE@example.com')).link)
  type Row = { id: string; email: string; method: string }
  const rows = await target.cli<Row[]>('console', 'sessions')
  assert.deepEqual(
    rows.map(({ email, method }) => [email, method]),
    [
      ['grace@example.com', 'link'],
      ['grace@example.com', 'link'],
    ],
  )
  assert.equal(
    (await target.cli<Row[]>('console', 'sessions', '--user', 'grace@example.com', '--limit', '1')).length,
    2,
  )
  assert.deepEqual(await target.cli('console', 'end', rows[0]?.id ?? ''), { ended: 1 })
  assert.equal((await target.run('console', 'end', rows[0]?.id ?? '')).code, 1)
  assert.deepEqual(await target.cli('console', 'end', '--user', 'grace@example.com'), { ended: 1 })
  assert.deepEqual(await target.cli('console', 'sessions'), [])
  for (const words of [[], [rows[0]?.id ?? '', '--user', 'grace@example.com']])
    assert.equal((await target.run('console', 'end', ...words)).code, 2)
  const { stdout } = await target.run('console', 'link')
  assert.match(stdout, /\/console\/enter#[\w-]{43}\n\nIt lets one person enter once, until /)
})

test('serve --no-console leaves the console out, and prints no link', async (t) => {
  const { path, remove } = newDataDir()
  const served = await serve(path, { args: ['--no-console'] })
  t.after(async () => {
    await served.stop()
    remove()
  })
  const headers = { host: new URL(served.url).host, ...SAME_ORIGIN }
  for (const page of ['/console', '/console/api/me', '/console/api/sign-in', '/openapi/console.json'])
    assert.equal((await send(served.url, { method: 'GET', path: page, headers })).status, 404, page)
  assert.doesNotMatch(served.stdout(), /console/)
  const { stdout } = await runUsher(path, ['audit', 'list', '--json'])
  assert.ok(!stdout.includes('CreateSignInLink'))
})
