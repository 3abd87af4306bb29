import assert from 'node:assert/strict'
import { randomUUID as newId } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { type ConsoleClient, enterByLink, enterFirst, type Problem } from './console-client.ts'
import { useOwnTarget } from './target.ts'

let grace: ConsoleClient
/** People of the reseller. */
let admin: ConsoleClient
let viewer: ConsoleClient
const target = useOwnTarget({}, async () => {
  grace = await enterFirst(target)
  admin = await addPerson('Administrator')
  viewer = await addPerson('Viewer')
})

interface Group {
  readonly id: string
  readonly name: string
}

interface User {
  readonly id: string
  readonly email: string
  readonly firstName: string | null
  readonly state: string
  readonly account: string
  readonly etag: string
  readonly organization: { readonly id: string; readonly name: string; readonly kind: string }
  readonly groups: readonly Group[]
}

interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/** Makes a person of the reseller who is signed in. */
async function addPerson(group: string): Promise<ConsoleClient> {
  const me = await grace.call<{ groups: Group[] }>('GET', '/me')
  const all = [...me.groups, ...Object.entries(target.init.groups ?? {}).map(([name, id]) => ({ name, id }))]
  const groups = all.filter(({ name }) => name === group).map(({ id }) => id as string)
  const body = {
    firstName: group,
    lastName: 'Okonkwo',
    email: `${group.toLowerCase()}@reseller.example`,
    groupIds: groups,
  }
  const { id } = await grace.call<User>('POST', `/organizations/${target.init.reseller.id}/users`, body)
  const { link } = await grace.call<{ link: string }>('POST', `/people/${id}/link`)
  return enterByLink(target.url, link)
}

const add = (email: string, firstName = 'Ada', as = grace, organization = target.init.customer.id) =>
  as.call<User>('POST', `/organizations/${organization}/users`, { firstName, lastName: 'Lovelace', email })

async function refused(client: ConsoleClient, method: string, path: string, body?: object, etag?: string) {
  const response = await client.send(method, path, body, etag === undefined ? {} : { 'if-match': etag })
  return { status: response.status, code: jsonOf<Problem>(response).code }
}

test('support finds a person, reads why, and gives them what they need', async () => {
  const { id } = await add('ada@story.example')
  const { hits } = await viewer.call<{ hits: { kind: string; id: string }[] }>('GET', '/find?q=story.ex')
  assert.deepEqual(
    hits.map((hit) => [hit.kind, hit.id]),
    [['user', id]],
  )
  const why = await admin.call<{ failed: string; next: { code: string }[] }>('GET', `/users/${id}/why`)
  assert.equal(why.failed, 'tenant_exists')
  assert.deepEqual(
    why.next.map(({ code }) => code),
    ['ask_provider'],
  )
  const seen = await grace.call<typeof why>('GET', `/users/${id}/why`)
  assert.deepEqual(
    seen.next.map(({ code }) => code),
    ['add_tenant'],
  )
})

test('users are listed in pages, searched and filtered', async () => {
  for (const name of ['b', 'a', 'c']) await add(`${name}@list.example`, name)
  const rows: User[] = []
  let query = 'q=list.example&limit=2'
  for (let pages = 0; pages < 3; pages++) {
    const page = await admin.call<Page<User>>('GET', `/users?${query}`)
    rows.push(...page.items)
    if (page.next === null) break
    query = `q=list.example&limit=2&after=${page.next}`
  }
  assert.deepEqual(
    rows.map(({ firstName, account, state }) => [firstName, account, state]),
    ['a', 'b', 'c'].map((name) => [name, 'none', 'active']),
  )
  const [row] = rows
  assert.deepEqual([row?.organization.id, row?.organization.kind], [target.init.customer.id, 'customer'])
  const { next } = await admin.call<Page<User>>('GET', '/users?q=list.example&limit=1')
  assert.deepEqual(await refused(admin, 'GET', `/users?q=other&limit=1&after=${next}`), {
    status: 400,
    code: 'invalid',
  })
  assert.deepEqual(await refused(admin, 'GET', `/users?organization=${newId()}`), {
    ...{ status: 404, code: 'organization_not_found' },
  })
})

test('a user is created, changed, deleted and restored; the state that was read guards a change', async () => {
  const { id } = await add('change@x.example')
  const again = await grace.call<{ created: boolean }>(
    'POST',
    `/organizations/${target.init.customer.id}/users`,
    {
      ...{ firstName: 'Ada', lastName: 'Lovelace', email: 'change@x.example' },
    },
  )
  assert.equal(again.created, false)
  const { etag } = await admin.call<User>('GET', `/users/${id}`)
  assert.deepEqual((await refused(admin, 'PATCH', `/users/${id}`, { firstName: 'X' })).status, 400)
  const headers = { 'if-match': etag }
  const changed = await admin.call<User>('PATCH', `/users/${id}`, { firstName: 'Augusta' }, headers)
  assert.notEqual(changed.etag, etag)
  const late = await refused(admin, 'PATCH', `/users/${id}`, { firstName: 'Y' }, etag)
  assert.deepEqual(late, { status: 412, code: 'precondition_failed' })
  assert.equal((await admin.call<User>('GET', `/users/${id}`)).firstName, 'Augusta')
  await admin.call('DELETE', `/users/${id}`, undefined, { 'if-match': changed.etag })
  assert.equal((await viewer.call<User>('GET', `/users/${id}`)).state, 'deleted')
  const deleted = await admin.call<Page<User>>('GET', '/users?deleted=true&q=change')
  assert.deepEqual([deleted.items.length, deleted.items[0]?.state], [1, 'deleted'])
  await admin.call('POST', `/users/${id}/restore`)
  assert.equal((await viewer.call<User>('GET', `/users/${id}`)).state, 'active')
})

test('errors name the members of the request', async () => {
  const response = await admin.send('POST', `/organizations/${target.init.customer.id}/users`, {
    ...{ firstName: 'x'.repeat(300), email: 'nobody', groupIds: [newId()] },
  })
  const { code, errors } = jsonOf<Problem>(response)
  assert.deepEqual([response.status, code], [400, 'invalid'])
  assert.ok(errors.some(({ propertyName }) => propertyName === 'email' || propertyName === 'firstName'))
  const groups = await admin.send('POST', `/organizations/${target.init.customer.id}/users`, {
    ...{ email: 'group@x.example', groupIds: [newId()] },
  })
  const { errors: found } = jsonOf<Problem>(groups)
  assert.deepEqual(
    found.map(({ propertyName }) => propertyName),
    ['groupIds[0]'],
  )
})

test('viewers read only, and things of others look like things that do not exist', async () => {
  const { id } = await add('own@x.example')
  const organization = target.init.customer.id
  assert.equal(
    (await refused(viewer, 'POST', `/organizations/${organization}/users`, { email: 'v@x.example' })).status,
    403,
  )
  for (const [method, path] of [
    ['PATCH', `/users/${id}`],
    ['DELETE', `/users/${id}`],
    ['POST', `/users/${id}/restore`],
    ['GET', `/users/${id}/why?compare=true`],
  ] as const)
    assert.deepEqual(await refused(viewer, method, path, method === 'PATCH' ? {} : undefined, '*'), {
      ...{ status: 403, code: 'not_permitted' },
    })
  const me = await grace.call<{ user: { id: string } }>('GET', '/me')
  for (const foreign of [me.user.id, newId()]) {
    for (const path of [`/users/${foreign}`, `/users/${foreign}/why`])
      assert.deepEqual(await refused(admin, 'GET', path), { status: 404, code: 'user_not_found' })
    assert.equal((await refused(admin, 'PATCH', `/users/${foreign}`, { firstName: 'x' }, '*')).status, 404)
    assert.equal((await refused(admin, 'DELETE', `/users/${foreign}`, undefined, '*')).status, 404)
    assert.deepEqual((await admin.call<{ hits: unknown[] }>('GET', `/find?q=${foreign}`)).hits, [])
  }
  const path = `/organizations/${target.init.provider.id}/users`
  assert.equal((await refused(admin, 'POST', path, { email: 'x@x.example' })).status, 404)
})

test('one request says what it did, under the names of today', async () => {
  const response = await admin.send('POST', `/organizations/${target.init.customer.id}/users`, {
    ...{ firstName: '<b>Eve</b>', email: 'eve@request.example' },
  })
  const id = response.headers['x-correlation-id'] as string
  interface Request {
    readonly failed: string | null
    readonly entries: readonly { operation: string; caller: { kind: string; name: string } }[]
  }
  const { failed, entries } = await viewer.call<Request>('GET', `/requests/${id}`)
  assert.equal(failed, null)
  assert.deepEqual([entries[0]?.operation, entries[0]?.caller.kind], ['CreateUser', 'person'])
  assert.equal((await grace.call<Request>('GET', `/requests/${newId()}`)).failed, 'request_known')
})

test('hostile texts are searched for, and found nowhere', async () => {
  for (const text of [
    '%',
    '_',
    "'",
    '"',
    '\\',
    '\u0000',
    '\u202e',
    '<script>',
    'a'.repeat(1_000),
    '🙂'.repeat(90),
  ]) {
    const q = encodeURIComponent(text)
    const found = await viewer.send('GET', `/find?q=${q}`)
    assert.ok([200, 400].includes(found.status), `${text.slice(0, 9)}: ${found.status} ${found.text}`)
    const list = await viewer.send('GET', `/users?q=${q}`)
    assert.ok([200, 400].includes(list.status), `${text.slice(0, 9)}: ${list.status}`)
  }
})

test('organizations and the log are listed within reach', async () => {
  interface Organization {
    readonly id: string
    readonly name: string
    readonly kind: string
    readonly users: number
    readonly resellers?: readonly { readonly id: string }[]
    readonly portals?: readonly string[]
  }
  const { customer, reseller, provider } = target.init
  const all = await grace.call<Page<Organization>>('GET', '/organizations')
  const ids = all.items.map(({ id }) => id)
  assert.ok(ids.includes(customer.id) && ids.includes(reseller.id) && !ids.includes(provider.id))
  const first = await viewer.call<Page<Organization>>('GET', '/organizations?limit=1')
  const next = await viewer.call<Page<Organization>>('GET', `/organizations?limit=200&after=${first.next}`)
  const seen = [...first.items, ...next.items].map(({ id }) => id)
  assert.ok(seen.includes(customer.id) && new Set(seen).size === seen.length && next.next === null)
  const { name } = all.items.find(({ id }) => id === customer.id) ?? { name: '' }
  const query = `q=${encodeURIComponent(name.toUpperCase())}&kind=customer`
  const found = await admin.call<Page<Organization>>('GET', `/organizations?${query}`)
  assert.ok(found.items.some(({ id }) => id === customer.id))
  const one = await admin.call<Organization>('GET', `/organizations/${customer.id}`)
  assert.deepEqual([one.kind, one.resellers?.map(({ id }) => id)], ['customer', [reseller.id]])
  assert.ok(one.users > 0)
  for (const id of [provider.id, newId()])
    assert.deepEqual(await refused(admin, 'GET', `/organizations/${id}`), {
      ...{ status: 404, code: 'organization_not_found' },
    })
  const log = await viewer.call<Page<{ operation: string }>>('GET', '/audit?operation=createuser&limit=2')
  assert.deepEqual(new Set(log.items.map(({ operation }) => operation)), new Set(['CreateUser']))
  const later = await viewer.call<Page<unknown>>(
    'GET',
    `/audit?operation=createuser&limit=2&after=${log.next}`,
  )
  assert.ok(later.items.length > 0)
  for (const since of ['2026-13-01T00:00:00Z', '0000-00-00T00:00:00Z', 'yesterday', '2026-02-30T00:00:00Z'])
    assert.equal((await viewer.send('GET', `/audit?since=${since}`)).status, 400, since)
})

/** Returns the token of a page with the same filters at another place, as anyone can make it. */
function forge(token: string | null, ...position: unknown[]): string {
  const [filters] = JSON.parse(Buffer.from(token ?? '', 'base64url').toString()) as unknown[]
  return Buffer.from(JSON.stringify([filters, ...position])).toString('base64url')
}

test('a token of a page that was made by hand is refused, and no text makes the server fail', async () => {
  for (const email of ['one@forge.example', 'two@forge.example']) await add(email)
  for (const [path, ...first] of [
    ['/users?limit=1&q=forge.example'],
    ['/audit?limit=1', '9999'],
    ['/organizations?limit=1', 'a'],
  ] as const) {
    const { next } = await grace.call<Page<unknown>>('GET', path)
    for (const last of [-1, 0.5, 1e300, '1', 'x', null, true, []]) {
      const wrong = forge(next, ...first, last)
      const shown = `${path} ${JSON.stringify(last)}`
      assert.deepEqual(
        await refused(grace, 'GET', `${path}&after=${wrong}`),
        { status: 400, code: 'invalid' },
        shown,
      )
    }
    const far = await grace.send('GET', `${path}&after=${forge(next, ...first, Number.MAX_SAFE_INTEGER)}`)
    assert.equal(far.status, 200, path)
  }
  const { next } = await grace.call<Page<unknown>>('GET', '/organizations?limit=1')
  const users = await grace.call<Page<unknown>>('GET', '/users?limit=1')
  for (const key of ['a\0', '\ud800', 1, null])
    assert.equal(
      (await refused(grace, 'GET', `/users?limit=1&after=${forge(users.next, key, 'a')}`)).status,
      400,
    )
  for (const key of ['a\0', '\ud800', 1, null])
    assert.equal(
      (await refused(grace, 'GET', `/organizations?limit=1&after=${forge(next, key, 1)}`)).status,
      400,
    )
  assert.deepEqual(await refused(grace, 'GET', '/audit?operation=%00'), { status: 400, code: 'invalid' })
})
