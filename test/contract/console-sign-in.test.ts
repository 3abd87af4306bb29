import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { startOpenIdProvider, type TestOpenIdProvider } from '../support/open-id-provider.ts'
import {
  type ConsoleClient,
  cookieOf,
  enterByLink,
  enterFirst,
  nameOf,
  newConsoleClient,
  SAME_ORIGIN,
  sendToConsole,
} from './console-client.ts'

const PUBLIC = 'http://localhost:4711'
const CALLBACK = `${PUBLIC}/console/sign-in/callback`

let provider: TestOpenIdProvider
let target: StartedTarget
let grace: ConsoleClient
let groups: StartedTarget['init']['groups']

before(async () => {
  provider = await startOpenIdProvider(CALLBACK)
  target = await startTarget({ ...provider.settings, USHER_PUBLIC_URL: PUBLIC })
  grace = await enterFirst(target)
  groups = target.init.groups
})
after(async () => {
  await target.end()
  await provider.close()
})

/** Adds a person to an organization; returns their id. */
async function addPerson(
  organization: string,
  email: string,
  ...names: (keyof typeof groups)[]
): Promise<string> {
  const words = names.flatMap((name) => ['--group', name])
  const added = [
    'user',
    'add',
    '--organization',
    organization,
    '--email',
    email,
    '--first-name',
    'P',
    ...words,
  ]
  return (await target.cli<{ id: string }>(...added)).id
}

/** A page that the browser goes to. */
function visit(path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpResponse> {
  return send(target.url, { method: 'GET', path, headers: { host: 'localhost:4711', ...headers } })
}

interface Begun {
  readonly cookie: string
  readonly url: string
}

async function begin(query = '', headers: Readonly<Record<string, string>> = SAME_ORIGIN): Promise<Begun> {
  const response = await visit(`/console/sign-in/start${query}`, headers)
  assert.equal(response.status, 303, response.text)
  return { cookie: cookieOf(response), url: String(response.headers.location) }
}

/** Signs the provider's person in; returns the response to the callback. */
async function signIn(query = '', headers?: Readonly<Record<string, string>>): Promise<HttpResponse> {
  const { cookie, url } = await begin(query, headers)
  const back = await provider.signIn(url)
  return visit(back.pathname + back.search, { cookie, 'sec-fetch-site': 'cross-site' })
}

/** Returns why a sign-in was refused. */
function problemOf(response: HttpResponse): string | null {
  assert.equal(response.status, 303, response.text)
  const url = new URL(String(response.headers.location), PUBLIC)
  assert.equal(url.pathname, '/console/sign-in')
  const session = (response.headers['set-cookie'] ?? []).find((one) => /^usher-[0-9a-f]{8}=/.test(one))
  assert.equal(session, undefined)
  return url.searchParams.get('problem')
}

function browserOf(response: HttpResponse): ConsoleClient {
  return newConsoleClient(target.url, cookieOf(response))
}

async function whoIs(
  response: HttpResponse,
): Promise<{ user: { id: string }; permission: string; others: unknown[] }> {
  return browserOf(response).call('GET', '/me')
}

async function lastSignIn(outcome: string) {
  const rows = await target.cli<{ operation: string; outcome: string; caller: string; target: string }[]>(
    'audit',
    'list',
  )
  return rows.find((row) => row.operation === 'SignIn' && row.outcome === outcome)
}

test('the sign-in page learns the name of the provider, without a session', async () => {
  const response = await sendToConsole(target.url, 'GET', '/sign-in')
  assert.deepEqual(jsonOf(response), { issuer: { name: 'Test sign-in' } })
})

test('a verified e-mail says who a person is, the first time; then the issuer and the subject alone', async () => {
  const id = await addPerson(target.init.provider.id, 'ada@example.com', 'Viewer')
  provider.person = { sub: 'ada', email: 'ADA@Example.com', email_verified: true }
  const first = await signIn('?to=/console/users%3Fq=1')
  assert.equal(first.headers.location, '/console/users?q=1')
  const me = await whoIs(first)
  assert.deepEqual([me.user.id, me.permission], [id, 'viewer'])
  // The provider no longer says an e-mail, or says that of another person.
  for (const person of [{ sub: 'ada' }, { sub: 'ada', email: 'grace@example.com', email_verified: true }]) {
    provider.person = person
    assert.equal((await whoIs(await signIn())).user.id, id)
  }
  const entry = await lastSignIn('begun')
  assert.deepEqual([entry?.caller, entry?.target], [`person:${id}`, id])
})

test('the cookies of a sign-in are for the server alone', async () => {
  const { status, headers } = await visit('/console/sign-in/start', SAME_ORIGIN)
  assert.equal(status, 303)
  assert.match(
    String(headers['set-cookie']),
    /^usher-sign-in-[0-9a-f]{8}=[^;]+; Max-Age=600; SameSite=Lax; Path=\/; HttpOnly$/,
  )
  const url = new URL(String(headers.location))
  assert.equal(url.origin, provider.issuer)
  assert.equal(url.searchParams.get('redirect_uri'), CALLBACK)
  assert.deepEqual(
    ['response_type', 'code_challenge_method', 'scope'].map((name) => url.searchParams.get(name)),
    ['code', 'S256', 'openid email profile'],
  )
  for (const name of ['state', 'nonce', 'code_challenge'])
    assert.ok((url.searchParams.get(name) ?? '').length > 40)
})

test('people who are not known, or may not enter, are refused, with what to do', async () => {
  await addPerson(target.init.customer.id, 'customer@example.com', 'Administrator')
  await addPerson(target.init.provider.id, 'alerts@example.com', 'Alert Manager')
  const suspended = await addPerson(target.init.provider.id, 'suspended@example.com', 'Administrator')
  await target.cli('user', 'suspend', suspended)
  const refused = [
    ['nobody@example.com', true, 'person_not_found'],
    [undefined, undefined, 'person_not_found'],
    ['customer@example.com', true, 'person_not_found'],
    ['alerts@example.com', true, 'person_not_permitted'],
    ['suspended@example.com', true, 'person_not_permitted'],
    ['grace@example.com', false, 'email_not_verified'],
    ['grace@example.com', undefined, 'email_not_verified'],
    ['grace@example.com', 'yes', 'email_not_verified'],
  ] as const
  for (const [i, [email, verified, problem]] of refused.entries()) {
    provider.person = { sub: `refused-${i}`, email, email_verified: verified }
    assert.equal(problemOf(await signIn()), problem, `${email} ${verified}`)
    const entry = await lastSignIn(problem)
    assert.ok(entry?.caller.startsWith('person:'))
    assert.ok(!JSON.stringify(entry).includes('@'))
  }
})

test('Entra ID says in xms_edov that an e-mail is verified', async () => {
  const id = await addPerson(target.init.reseller.id, 'entra@example.com', 'Administrator')
  provider.person = { sub: 'entra', email: 'entra@example.com', xms_edov: true }
  assert.equal((await whoIs(await signIn())).user.id, id)
})

test('another subject with a known e-mail that is not verified does not become that person', async () => {
  provider.person = { sub: 'thief', email: 'ada@example.com', email_verified: false }
  assert.equal(problemOf(await signIn()), 'email_not_verified')
})

test('a response that belongs to another sign-in, or to none, is refused', async () => {
  provider.person = { sub: 'ada' }
  const [one, other] = [await begin(), await begin()]
  const back = await provider.signIn(one.url)
  const go = (change: (url: URL) => void, cookie: string) => {
    const url = new URL(back)
    change(url)
    return visit(url.pathname + url.search, cookie === '' ? {} : { cookie })
  }
  const keep = (): void => undefined
  const refused = [
    [keep, '', 'expired'],
    [keep, `${nameOf(one.cookie)}=`, 'expired'],
    [keep, `${nameOf(one.cookie)}=2.x.y`, 'expired'],
    [keep, `${one.cookie.slice(0, -4)}AAAA`, 'expired'],
    [keep, other.cookie, 'failed'],
    [(url: URL) => url.searchParams.set('state', 'x'), one.cookie, 'failed'],
    [(url: URL) => url.searchParams.delete('state'), one.cookie, 'failed'],
    [(url: URL) => url.searchParams.append('state', 'x'), one.cookie, 'failed'],
    [(url: URL) => url.searchParams.set('iss', 'https://evil.example'), one.cookie, 'failed'],
    [(url: URL) => url.searchParams.delete('iss'), one.cookie, 'failed'],
    [(url: URL) => url.searchParams.delete('code'), one.cookie, 'failed'],
    [(url: URL) => url.searchParams.set('code', 'x'), one.cookie, 'failed'],
  ] as const
  for (const [change, cookie, problem] of refused)
    assert.equal(problemOf(await go(change, cookie)), problem, `${change} ${cookie.slice(0, 20)}`)
  // A code of one sign-in is no good in another, whose state is right.
  const mixed = (url: URL) =>
    url.searchParams.set('state', new URL(other.url).searchParams.get('state') ?? '')
  assert.equal(problemOf(await go(mixed, other.cookie)), 'failed')
})

test('a code is good once', async () => {
  provider.person = { sub: 'ada' }
  const { cookie, url } = await begin()
  const back = await provider.signIn(url)
  assert.equal((await visit(back.pathname + back.search, { cookie })).headers.location, '/console')
  assert.equal(problemOf(await visit(back.pathname + back.search, { cookie })), 'failed')
})

test('a person who cancels at the provider can try again', async () => {
  const { cookie, url } = await begin()
  const state = new URL(url).searchParams.get('state')
  const query = new URLSearchParams({ error: 'access_denied', state: `${state}`, iss: provider.issuer })
  assert.equal(problemOf(await visit(`/console/sign-in/callback?${query}`, { cookie })), 'cancelled')
})

test('after signing in, nothing leads away from the console', async () => {
  provider.person = { sub: 'ada' }
  const away = [
    ...[
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/console/../../evil',
      'javascript:alert(1)',
    ],
    ...['/console//evil.example', '/console\\@evil.example', '/console/\n/evil', '/consoleevil', '/docs', ''],
    ...[
      '//evil.example/console',
      'http:/console',
      '/%2f/evil.example',
      '/%5cevil.example',
      'data:text/html,x',
    ],
    ...[
      '/\t/evil.example',
      '/console/%2e%2e/%2e%2e//evil',
      `/console/${'a'.repeat(8_000)}`,
      '/console;@evil',
    ],
    ...['/console/api/me', '/console/sign-in/start', '/console/%2e%2e/evil', '/console/./..//evil.example'],
  ]
  for (const to of away) {
    const response = await signIn(`?to=${encodeURIComponent(to)}`)
    assert.equal(response.headers.location, '/console', to)
  }
  assert.equal((await signIn('?to=/console/users&to=/console/audit')).headers.location, '/console')
  // A longer cookie than browsers keep would end the sign-in.
  const { cookie } = await begin(`?to=${encodeURIComponent(`/console/users?q=${'ß'.repeat(1_900)}`)}`)
  assert.ok(cookie.length < 4_000, `${cookie.length}`)
})

test('a link on another site begins no sign-in', async () => {
  for (const site of ['cross-site', 'same-site']) {
    const response = await visit('/console/sign-in/start', { 'sec-fetch-site': site })
    assert.deepEqual([response.headers.location, response.headers['set-cookie']], ['/console', undefined])
  }
})

test('a person without a verified e-mail enters by a link, and connects their sign-in', async () => {
  const id = await addPerson(target.init.provider.id, 'link@example.com', 'Viewer')
  const { link } = await target.cli<{ link: string }>('console', 'link', '--user', 'link@example.com')
  const browser = await enterByLink(target.url, link, { lastName: 'Person' })
  provider.person = { sub: 'link', email: 'link@example.com', email_verified: false }
  assert.equal(problemOf(await signIn()), 'email_not_verified')
  const headers = { ...SAME_ORIGIN, cookie: browser.cookie }
  assert.equal((await whoIs(await signIn('?connect=1', headers))).user.id, id)
  assert.equal((await whoIs(await signIn())).user.id, id)
  // Only a page of the console may begin it, and only for who is signed in.
  for (const foreign of [{ cookie: browser.cookie, 'sec-fetch-site': 'none' }, SAME_ORIGIN])
    assert.equal(problemOf(await visit('/console/sign-in/start?connect=1', foreign)), 'expired')
})

test('one person in several organizations goes on in another one, with a new session', async () => {
  const ids = [
    await addPerson(target.init.provider.id, 'both@example.com', 'Viewer'),
    await addPerson(target.init.reseller.id, 'both@example.com', 'Administrator'),
  ]
  provider.person = { sub: 'both', email: 'both@example.com', email_verified: true }
  const response = await signIn()
  const me = await whoIs(response)
  assert.deepEqual([me.user.id, me.permission], [ids[0], 'viewer'])
  assert.deepEqual(
    (me.others as { userId: string }[]).map(({ userId }) => userId),
    [ids[1]],
  )
  const browser = browserOf(response)
  const switched = await browser.send('POST', '/session/switch', { userId: ids[1] })
  assert.equal((await whoIs(switched)).user.id, ids[1])
  assert.equal((await browser.send('GET', '/me')).status, 401)
  const { user } = await grace.call<{ user: { id: string } }>('GET', '/me')
  for (const userId of [user.id, '01932d3e-7f4a-7c1e-9d55-2f6a8f0b1c2d'])
    assert.equal((await browserOf(switched).send('POST', '/session/switch', { userId })).status, 403)
})

test('signing out offers the sign-out of the provider', async () => {
  provider.person = { sub: 'ada' }
  const browser = browserOf(await signIn())
  const { issuerSignOutUrl } = await browser.call<{ issuerSignOutUrl: string }>('POST', '/session/end')
  const url = new URL(issuerSignOutUrl)
  assert.equal(url.origin, provider.issuer)
  assert.equal(url.searchParams.get('post_logout_redirect_uri'), `${PUBLIC}/console`)
  assert.equal((await browser.send('GET', '/me')).status, 401)
})

test('a provider that is down is named as such, and is asked again the next time', async () => {
  provider.person = { sub: 'ada' }
  const { cookie, url } = await begin()
  const back = await provider.signIn(url)
  provider.setDown(true)
  assert.equal(problemOf(await visit(back.pathname + back.search, { cookie })), 'unavailable')
  provider.setDown(false)
  assert.equal((await signIn()).headers.location, '/console')
})

test('nothing of a sign-in is in the log', () => {
  const log = target.log()
  for (const secret of ['a~secret.of+usher/', 'eyJ', 'access_token', '@example.com'])
    assert.ok(!log.includes(secret), secret)
})
