import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { getToken } from '../../testing/usher.ts'
import { assertInvalid, assertNoBody, callPortal, create, errorOf, idOf, newUser, UUID } from './portal.ts'
import { newToken, useOwnTarget } from './target.ts'
import { type ListItem, type Page, portalLists } from './user-lists.ts'

/** What stands in the directory: the people of a provider, two resellers and three customers. */
interface World {
  readonly resellers: readonly { readonly id: string; readonly portal: string; readonly token: string }[]
  readonly customers: readonly string[]
}

let world: World

const target = useOwnTarget({}, async () => {
  const resellers = []
  for (const portal of ['one.example', 'other.example']) {
    const id = await target.operator.addReseller(portal)
    resellers.push({ id, portal, token: await newToken(target, id) })
  }
  const [one, other] = resellers.map(({ id }) => id) as [string, string]
  // Of one reseller, of both, of none.
  const customers = []
  for (const related of [[one], [one, other], []])
    customers.push(await target.operator.addCustomer(...related))
  world = { resellers, customers }
  const [first = '', shared = '', direct = ''] = customers
  const { Administrator, Viewer, 'Alert Manager': alerts } = target.init.groups
  await put(first, { firstName: 'Zoë', lastName: 'Groß', email: 'zoe@first.example', groups: [Viewer] })
  await put(first, {
    firstName: 'ada',
    lastName: 'Byron',
    email: 'byron@first.example',
    groups: [Administrator],
  })
  await put(first, { firstName: null, lastName: 'Nameless', email: 'nameless@first.example' })
  await put(first, { firstName: 'Ada', lastName: 'Lovelace', email: null, groups: [Viewer, alerts] })
  await put(shared, { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@shared.example', reseller: one })
  await put(shared, {
    firstName: 'Grace',
    lastName: '100% Hopper',
    email: 'g_h@shared.example',
    reseller: other,
  })
  await put(shared, { firstName: 'Alan', lastName: 'Turing', email: 'alan@shared.example' })
  await put(direct, {
    firstName: 'Ada',
    lastName: 'King',
    email: 'ADA@müller.example',
    groups: [Administrator],
  })
  for (const { id, portal, token } of resellers)
    await post(
      `/reseller/${id}/users`,
      { firstName: 'Rita', lastName: portal, email: `rita@${portal}` },
      { portal, token },
    )
  await post('/users', { firstName: 'Paul', lastName: 'Provider', email: 'paul@provider.example' })
})

const { list, listAll, listOf } = portalLists(target)

async function post(
  path: string,
  user: object,
  call: { portal?: string; token?: string } = {},
): Promise<void> {
  idOf(await callPortal(target, 'POST', path, { ...call, body: newUser({ ...user }) }))
}

async function put(
  customer: string,
  {
    groups = [],
    reseller,
    ...names
  }: Record<string, unknown> & { groups?: readonly string[]; reseller?: string },
): Promise<void> {
  const body = newUser({ ...names, groups: groups.map((id) => ({ id })) })
  idOf(await create(target, body, { customer, query: reseller ? `?resellerId=${reseller}` : '' }))
}

const namesOf = (items: readonly ListItem[]): string[] =>
  items.map((one) => `${one.firstName} ${one.lastName}`)
const OF_ALL = ['ada Byron', 'Ada King', 'Ada Lovelace', 'Ada Lovelace', 'Alan Turing', 'Grace 100% Hopper']
const REST = ['Paul Provider', 'Rita one.example', 'Rita other.example', 'Zoë Groß', 'null Nameless']

test('all users of the context are listed by name, at both paths, in the documented envelope', async () => {
  const page = await list('')
  assert.deepEqual(
    { ...page, items: namesOf(page.items) },
    {
      items: [...OF_ALL, ...REST],
      paginationParameters: { pageNumber: 1, pageSize: 25 },
      totalPages: 1,
      totalCount: 11,
      hasPreviousPage: false,
      hasNextPage: false,
      continuationToken: null,
    },
  )
  assert.deepEqual(await list('', { path: '/users' }), page)
  const { status, headers } = await callPortal(target, 'HEAD', '/users')
  assert.deepEqual(
    [status, headers['content-length']],
    [200, String(Buffer.byteLength(JSON.stringify(page)))],
  )
})

test('an item has what the documents show and what is ours', async () => {
  const [item] = (await list('?searchValue=byron')).items
  const { Administrator } = target.init.groups
  assert.deepEqual(item, {
    id: item?.id,
    firstName: 'ada',
    lastName: 'Byron',
    email: 'byron@first.example',
    role: { name: 'customer' },
    groups: [{ id: Administrator, name: 'Administrator' }],
    customerId: world.customers[0],
    resellerId: null,
    active: true,
    createdAt: item?.createdAt,
    updatedAt: item?.createdAt,
  })
  assert.match(item?.id ?? '', UUID)
  const roles = async (name: string) =>
    (await list(`?searchValue=${name}`)).items.map(({ role, customerId, resellerId }) => [
      role.name,
      customerId,
      resellerId,
    ])
  const [reseller] = world.resellers
  assert.deepEqual(await roles('one.example'), [['reseller', null, reseller?.id]])
  assert.deepEqual(await roles('paul'), [['csp', null, null]])
  assert.deepEqual(await roles('ada@shared'), [['customer', world.customers[1], reseller?.id]])
})

test('pages are cut anywhere, in either order, and past the last one there are no items', async () => {
  for (const sort of ['Name', 'Email'])
    for (const ascending of [true, false]) {
      const query = `sortPropertyName=${sort}&ascendingOrder=${ascending}`
      const all = (await list(`?${query}`)).items
      for (const pageSize of [1, 3, 4, 11]) {
        const pages = Array.from({ length: Math.ceil(11 / pageSize) }, (_, i) => i + 1)
        const items = []
        for (const pageNumber of pages) {
          const page = await list(`?${query}&pageNumber=${pageNumber}&pageSize=${pageSize}`)
          assert.deepEqual(
            [page.hasPreviousPage, page.hasNextPage],
            [pageNumber > 1, pageNumber < pages.length],
          )
          items.push(...page.items)
        }
        assert.deepEqual(items, all)
      }
    }
  const past = await list('?pageNumber=2147483647&pageSize=2000')
  assert.deepEqual([past.items, past.totalCount, past.hasNextPage], [[], 11, false])
})

test('the list is ordered by e-mail, missing ones last, and reversed as a whole', async () => {
  const emails = (await list('?sortPropertyName=Email')).items.map(({ email }) => email)
  // Domains are compared in their ASCII form.
  const keys = emails.map((email) => email?.toLowerCase().replace('müller', 'xn--mller-kva') ?? '\u{10ffff}')
  assert.deepEqual(keys, [...keys].sort())
  assert.equal(emails.at(-1), null)
  const reversed = (await list('?sortPropertyName=Email&ascendingOrder=False')).items.map(
    ({ email }) => email,
  )
  assert.deepEqual(reversed, emails.reverse())
})

test('a search finds every word anywhere in names and e-mail, without case and as plain text', async () => {
  const found = async (text: string): Promise<string[]> =>
    namesOf((await list(`?searchValue=${encodeURIComponent(text)}`)).items)
  assert.deepEqual(await found('LOVE'), ['Ada Lovelace', 'Ada Lovelace'])
  assert.deepEqual(await found('lace ada@'), ['Ada Lovelace'])
  assert.deepEqual(await found('  a  lan '), ['Alan Turing'])
  assert.deepEqual(await found('zoË'), ['Zoë Groß'])
  assert.deepEqual(await found('GROSS'), ['Zoë Groß'])
  assert.deepEqual(await found('müller'), ['Ada King'])
  assert.deepEqual(await found('xn--mller'), ['Ada King'])
  assert.deepEqual(await found('0% h'), ['Grace 100% Hopper'])
  assert.deepEqual(await found('g_h'), ['Grace 100% Hopper'])
  for (const none of ['a%a', 'adalovelace', 'a_a', '\\', "'", '"', '*', 'byronbyron', '(', 'ada AND'])
    assert.deepEqual(await found(none), [], none)
  for (const all of ['', ' ', '\u{10ffff}', '\t\n']) assert.equal((await found(all)).length, 11)
})

test('the groups filter takes ids and names, and finds members of any of them', async () => {
  const { Administrator } = target.init.groups
  const found = async (groups: string): Promise<string[]> =>
    namesOf((await list(`?groups=${encodeURIComponent(groups)}`)).items)
  assert.deepEqual(await found('Administrator'), ['ada Byron', 'Ada King'])
  assert.deepEqual(await found(Administrator?.toUpperCase() ?? ''), ['ada Byron', 'Ada King'])
  assert.deepEqual(await found(`alert MANAGER|${Administrator}|Viewer`), [
    'ada Byron',
    'Ada King',
    'Ada Lovelace',
    'Zoë Groß',
  ])
  const page = await list('?groups=viewer&searchValue=ada')
  assert.deepEqual([namesOf(page.items), page.totalCount], [['Ada Lovelace'], 1])
  for (const unknown of ['Nobody', randomUUID(), 'Viewer|', '|', 'Viewer,Administrator'])
    assertInvalid(await callPortal(target, 'GET', `?groups=${encodeURIComponent(unknown)}`), ['groups'])
  const { errors } = errorOf(
    await callPortal(target, 'GET', '?groups=Nobody|Viewer|Owner'),
    400,
    'ValidationError',
  )
  assert.match(
    errors[0]?.description[0] ?? '',
    /not 'Nobody', 'Owner'; there are Administrator, Alert Manager, Viewer$/,
  )
})

test('a reseller sees its own people and those of its customers, but nobody of another reseller’s context', async () => {
  const [one, other] = world.resellers
  const ofOne = [
    'ada Byron',
    'Ada Lovelace',
    'Ada Lovelace',
    'Alan Turing',
    'Rita one.example',
    'Zoë Groß',
    'null Nameless',
  ]
  const ofOther = ['Alan Turing', 'Grace 100% Hopper', 'Rita other.example']
  for (const [reseller, expected] of [
    [one, ofOne],
    [other, ofOther],
  ] as const) {
    const narrowed = await list(`?resellerId=${reseller?.id.toUpperCase()}`)
    assert.deepEqual(namesOf(narrowed.items), expected)
    assert.equal(narrowed.totalCount, expected.length)
    const own = { token: reseller?.token ?? '', portal: reseller?.portal ?? '' }
    assert.deepEqual(await list('', own), narrowed)
    assert.deepEqual(await list(`?resellerId=${reseller?.id}`, own), narrowed)
    // The provider's token at the reseller's portal is in the reseller's context, too.
    assert.deepEqual(await list('', { portal: own.portal }), narrowed)
    const reversed = await list('?ascendingOrder=false&sortPropertyName=Email', own)
    assert.equal(reversed.items.length, expected.length)
    assert.equal((await list('?searchValue=rita', own)).totalCount, 1)
  }
})

test('resellerId of another context is refused before it is looked up; an unknown one is not found', async () => {
  const [one, other] = world.resellers
  const call = { token: one?.token ?? '', portal: one?.portal ?? '' }
  for (const id of [other?.id, randomUUID(), world.customers[0]])
    for (const path of ['', '/users', `/customer/${world.customers[0]}/users`])
      assertNoBody(await callPortal(target, 'GET', `${path}?resellerId=${id}`, call), 403)
  for (const id of [randomUUID(), world.customers[0], target.init.provider.id])
    errorOf(await callPortal(target, 'GET', `?resellerId=${id}`), 404, 'NotFound')
})

test('the users of a customer are a bare array by name, in the context of the caller', async () => {
  const [first = '', shared = '', direct = ''] = world.customers
  const [one, other] = world.resellers
  const names = async (...args: Parameters<typeof listOf>) => namesOf(await listOf(...args))
  assert.deepEqual(await names(first), ['ada Byron', 'Ada Lovelace', 'Zoë Groß', 'null Nameless'])
  assert.deepEqual(await names(shared), ['Ada Lovelace', 'Alan Turing', 'Grace 100% Hopper'])
  const ofOther = ['Alan Turing', 'Grace 100% Hopper']
  assert.deepEqual(await names(shared, { query: `?resellerId=${other?.id}` }), ofOther)
  assert.deepEqual(await names(shared, { token: other?.token ?? '', portal: other?.portal ?? '' }), ofOther)
  const customer = await newToken(target, shared, 'viewer')
  assert.deepEqual(await names(shared, { token: customer }), [
    'Ada Lovelace',
    'Alan Turing',
    'Grace 100% Hopper',
  ])
  assert.deepEqual(await listOf(await target.operator.addCustomer()), [])
  const [item] = await listOf(direct)
  assert.deepEqual(Object.keys(item ?? {}).sort(), Object.keys((await list('')).items[0] ?? {}).sort())
  assertNoBody(await callPortal(target, 'GET', `/customer/${direct}/users?resellerId=${one?.id}`), 403)
  for (const id of [randomUUID(), one?.id, target.init.provider.id])
    errorOf(await callPortal(target, 'GET', `/customer/${id}/users`), 404, 'NotFound')
  const foreign = { token: other?.token ?? '', portal: other?.portal ?? '' }
  errorOf(await callPortal(target, 'GET', `/customer/${first}/users`, foreign), 404, 'NotFound')
})

test('viewers read every list; a customer lists its own users alone, and nobody else’s', async () => {
  const [first = '', shared = ''] = world.customers
  const viewer = await newToken(target, target.init.provider.id, 'viewer')
  for (const path of ['', '/users', '/users/groups', `/customer/${first}/users`])
    assert.equal((await callPortal(target, 'GET', path, { token: viewer })).status, 200, path)
  const customer = await newToken(target, first)
  assert.equal((await listOf(first, { token: customer })).length, 4)
  errorOf(await callPortal(target, 'GET', `/customer/${shared}/users`, { token: customer }), 404, 'NotFound')
  for (const path of ['', '/users'])
    assertNoBody(await callPortal(target, 'GET', path, { token: customer }), 403)
  assert.equal((await callPortal(target, 'GET', '/users/groups', { token: customer })).status, 200)
  const token = await getToken(target.url, target.init.clients.osis).catch(() => 'none')
  assertNoBody(await callPortal(target, 'GET', '', { token }), 401)
})

test('groups are listed by name, in the envelope', async () => {
  const page = jsonOf<Page<{ id: string; name: string }>>(
    await callPortal(target, 'GET', '/users/groups?pageSize=2'),
  )
  assert.deepEqual(
    page.items.map(({ name }) => name),
    ['Administrator', 'Alert Manager'],
  )
  assert.deepEqual([page.totalCount, page.totalPages, page.hasNextPage], [3, 2, true])
  const { items } = jsonOf<typeof page>(
    await callPortal(target, 'GET', '/users/groups?PageSize=2&pageNumber=2'),
  )
  assert.deepEqual(items, [{ id: target.init.groups.Viewer, name: 'Viewer' }])
})

test('what is out of range is refused and named, never clamped; so is a repeated parameter', async () => {
  const wrong: Record<string, readonly string[]> = {
    pageNumber: ['0', '-1', '2147483648', '1.5', '0x1', '', 'x'],
    pageSize: ['0', '2001', '25&pageSize=25'],
    searchValue: ['a'.repeat(256), '%00', 'a&searchValue=b'],
    sortPropertyName: ['Role', 'name', ''],
    ascendingOrder: ['1', 'yes', ''],
    groups: [''],
    resellerId: ['x', ''],
    state: ['active', ''],
    changedSince: ['yesterday', '2026-11-22', ''],
    continuationToken: ['x', '.', ''],
  }
  for (const [name, values] of Object.entries(wrong))
    for (const value of values) {
      assertInvalid(await callPortal(target, 'GET', `?${name}=${value}`), [name])
      assertInvalid(await callPortal(target, 'GET', `/users?${name.toUpperCase()}=${value}`), [name])
    }
  assertInvalid(await callPortal(target, 'GET', '?pageSize=0&pageNumber=x'), ['pageNumber', 'pageSize'])
  assertInvalid(await callPortal(target, 'GET', '/customer/x/users?resellerId=y'), [
    'customerId',
    'resellerId',
  ])
})

test('deleted users are in the list of deleted ones alone, with the time', async () => {
  const customer = await target.operator.addCustomer()
  const [gone, kept] = [newUser({ lastName: 'Gone' }), newUser({ lastName: 'Kept' })]
  const id = idOf(await create(target, gone, { customer }))
  idOf(await create(target, kept, { customer }))
  assert.equal((await callPortal(target, 'DELETE', `/users/${id}`)).status, 204)
  const deleted = await list('?state=deleted')
  assert.deepEqual(
    deleted.items.map((one) => [one.id, one.lastName]),
    [[id, 'Gone']],
  )
  assert.match(deleted.items[0]?.deletedAt ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual(namesOf(await listOf(customer)), ['Ada Kept'])
  assert.ok((await listAll('')).every((one) => one.id !== id && !('deletedAt' in one)))
  assert.equal((await list('?state=deleted&searchValue=gone')).totalCount, 1)
  assert.equal((await list('?state=deleted&searchValue=kept')).totalCount, 0)
})
