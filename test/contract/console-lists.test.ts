import assert from 'node:assert/strict'
import { randomUUID as newId } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { awaitJob } from './companies.ts'
import { type ConsoleClient, enterFirst, type Problem } from './console-client.ts'
import { addPeople, addPerson, type Role, type SignedIn } from './console-people.ts'
import { callPortal } from './portal.ts'
import { useOwnTarget } from './target.ts'

let grace: ConsoleClient
let people: Readonly<Record<Role, SignedIn>>
const target = useOwnTarget({}, async () => {
  grace = await enterFirst(target)
  people = await addPeople(target, grace)
})

interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
  readonly partial?: boolean
}

/** Reads all pages of a list. */
async function readAll<T>(as: ConsoleClient, path: string): Promise<T[]> {
  const items: T[] = []
  for (let after = ''; ; ) {
    const page = await as.call<Page<T>>('GET', `${path}${after}`)
    items.push(...page.items)
    if (page.next === null) return items
    after = `&after=${page.next}`
  }
}

interface User {
  readonly id: string
  readonly firstName: string
  readonly account: string
}

const addUser = (body: object, as: ConsoleClient = grace): Promise<{ id: string }> =>
  as.call('POST', `/organizations/${target.init.customer.id}/users`, body)

test('users are listed by the state of their account, in pages', async () => {
  const { customer } = target.init
  await target.operator.createTenant({ customer: customer.id, orgs: ['lists'] })
  const ids: string[] = []
  for (const firstName of ['a', 'b', 'c', 'd']) {
    const { id } = await addUser({ firstName, lastName: 'State', email: `${firstName}@state.example` })
    ids.push(id)
  }
  const [a = '', b = '', c = ''] = ids
  for (const id of [a, b, c]) await grace.call('POST', `/users/${id}/account`)
  await grace.call('POST', `/users/${b}/account/suspend`)
  const namesOf = async (state: string, more = '&limit=1', as: ConsoleClient = grace) =>
    (await readAll<User>(as, `/users?organization=${customer.id}&state=${state}${more}`)).map(
      ({ firstName }) => firstName,
    )
  assert.deepEqual(await namesOf('applied'), ['a', 'c'])
  assert.deepEqual(await namesOf('suspended'), ['b'])
  assert.deepEqual(await namesOf('applied,suspended'), ['a', 'b', 'c'])
  assert.deepEqual((await namesOf('none')).slice(0, 1), ['d'])
  assert.deepEqual(await namesOf('waiting,failing,parked'), [])
  assert.deepEqual(await namesOf('applied', '&q=state.example&limit=1'), ['a', 'c'])
  assert.deepEqual(await namesOf('applied', '&limit=1', people['reseller viewer']), ['a', 'c'])
  for (const query of ['state=', 'state=gone', 'state=none,', 'state=none&sort=email']) {
    const response = await grace.send('GET', `/users?${query}`)
    assert.deepEqual([response.status, jsonOf<Problem>(response).code], [400, 'invalid'], query)
  }
})

test('a list of users goes on where the page ended, whoever comes and goes meanwhile', async () => {
  const { customer } = target.init
  const add = (firstName: string) =>
    addUser({ firstName, lastName: 'Keyset', email: `${newId()}@keyset.example` })
  const [first] = [await add('kb'), await add('kd'), await add('kf')]
  const path = `/users?organization=${customer.id}&limit=1`
  let page = await grace.call<Page<User>>('GET', path)
  const seen = [page.items[0]?.firstName]
  while (page.next !== null) {
    if (seen.at(-1) === 'kb') {
      await add('ka')
      await grace.call('DELETE', `/users/${first?.id}`, undefined, { 'if-match': '*' })
      await add('kc')
    }
    page = await grace.call<Page<User>>('GET', `${path}&after=${page.next}`)
    seen.push(page.items[0]?.firstName)
  }
  assert.deepEqual(
    seen.filter((name) => name?.startsWith('k')),
    ['kb', 'kc', 'kd', 'kf'],
  )
})

test('organizations are listed with their resellers, tenant and portals', async () => {
  interface Organization {
    readonly id: string
    readonly resellers: readonly { readonly id: string; readonly name: string }[]
    readonly tenant: { readonly id: string } | null
    readonly portals: readonly string[]
  }
  const other = await target.operator.addReseller('second.example')
  const { customer, reseller } = target.init
  await callPortal(target, 'PUT', `/Customers/${customer.id}/resellers/${other}`)
  const all = await readAll<Organization>(grace, '/organizations?limit=2')
  const row = all.find(({ id }) => id === customer.id) ?? assert.fail()
  assert.deepEqual(
    row.resellers.map(({ id }) => id),
    [reseller.id, other],
  )
  assert.ok(row.tenant)
  assert.deepEqual(all.find(({ id }) => id === other)?.portals, ['second.example'])
  const ofOther = await readAll<Organization>(grace, `/organizations?reseller=${other}`)
  assert.deepEqual(
    ofOther.map(({ id }) => id),
    [customer.id],
  )
  // A reseller does not learn with whom it shares a customer.
  const seen = await readAll<Organization>(people['reseller viewer'], '/organizations?kind=customer')
  const shared = seen.find(({ id }) => id === customer.id)
  assert.deepEqual(
    shared?.resellers.map(({ id }) => id),
    [reseller.id],
  )
  for (const [as, id, status] of [
    [grace, newId(), 404],
    [people['reseller administrator'], other, 403],
    [people['reseller administrator'], newId(), 403],
  ] as const)
    assert.equal((await as.send('GET', `/organizations?reseller=${id}`)).status, status)
})

test('groups say what they let their members do', async () => {
  const { items } = await people['reseller viewer'].call<Page<object>>('GET', '/groups')
  const { groups } = target.init
  assert.deepEqual(items, [
    { id: groups.Administrator, name: 'Administrator', permission: 'administrator', alerts: false },
    { id: groups['Alert Manager'], name: 'Alert Manager', permission: null, alerts: true },
    { id: groups.Viewer, name: 'Viewer', permission: 'viewer', alerts: false },
  ])
})

interface Listed {
  readonly id: string
  readonly permission: string
  readonly linkUntil: string | null
  readonly sessions: number
  readonly seenAt: string | null
  readonly organization: { readonly id: string }
}

test('people who may enter are listed with how they do, within reach', async () => {
  const idsOf = async (as: ConsoleClient, query = '') =>
    (await readAll<Listed>(as, `/people?limit=2${query}`)).map(({ id }) => id)
  const { provider, reseller, customer } = target.init
  const other = await target.operator.addReseller('people.example')
  const foreign = await addPerson(target, grace, {
    ...{ organization: other, group: 'Administrator', email: 'x@people.example' },
  })
  await addUser({
    firstName: 'Customer',
    email: 'c@people.example',
    groupIds: [target.init.groups.Administrator],
  })
  const all = await idsOf(people['provider viewer'])
  const own = Object.values(people).map(({ id }) => id)
  const { user } = await grace.call<{ user: { id: string } }>('GET', '/me')
  assert.deepEqual(new Set(all), new Set([...own, user.id, foreign.id]))
  assert.equal(all.length, new Set(all).size)
  const ofReseller = [people['reseller administrator'].id, people['reseller viewer'].id]
  assert.deepEqual(await idsOf(people['reseller administrator']), ofReseller)
  assert.deepEqual(await idsOf(people['reseller viewer']), [people['reseller viewer'].id])
  assert.deepEqual(await idsOf(grace, `&organization=${reseller.id}`), ofReseller)
  assert.deepEqual(await idsOf(grace, `&organization=${customer.id}`), [])
  for (const id of [provider.id, other, newId()])
    assert.equal(
      (await people['reseller administrator'].send('GET', `/people?organization=${id}`)).status,
      404,
    )
  const rows = await readAll<Listed>(grace, `/people?organization=${other}`)
  assert.partialDeepStrictEqual(rows, [
    {
      id: foreign.id,
      permission: 'administrator',
      sessions: 1,
      linkUntil: null,
      organization: { id: other },
    },
  ])
  assert.ok(rows[0]?.seenAt)
})

test('links of a person are voided, and their sessions are seen by those above them', async () => {
  const person = people['reseller viewer']
  const { link, expiresAt } = await grace.call<{ link: string; expiresAt: string }>(
    'POST',
    `/people/${person.id}/link`,
  )
  const rowOf = async () =>
    (await readAll<Listed>(grace, '/people?limit=200')).find(({ id }) => id === person.id)
  assert.equal((await rowOf())?.linkUntil, expiresAt)
  const path = `/people/${person.id}/link`
  assert.deepEqual(await people['reseller administrator'].call('DELETE', path), { voided: 1 })
  assert.equal((await rowOf())?.linkUntil, null)
  const used = await grace.send('POST', '/enter', { token: link.split('#')[1] })
  assert.deepEqual([used.status, jsonOf<Problem>(used).code], [403, 'link_not_valid'])
  interface Session {
    readonly id: string
    readonly current: boolean
  }
  const seen = await people['provider viewer'].call<Page<Session>>('GET', `/people/${person.id}/sessions`)
  const own = await person.call<Page<Session>>('GET', `/people/${person.id}/sessions`)
  assert.deepEqual([seen.items.length, seen.items[0]?.current, own.items[0]?.current], [1, false, true])
  const { id } = people['reseller administrator']
  assert.equal((await person.send('GET', `/people/${id}/sessions`)).status, 404)
})

test('portals are listed: all for a provider, its own for a reseller', async () => {
  interface Portal {
    readonly domain: string
    readonly organization: { readonly id: string }
  }
  const all = await readAll<Portal>(people['provider viewer'], '/portals?limit=1')
  assert.ok(all.some(({ organization }) => organization.id === target.init.provider.id))
  assert.ok(all.length > 1)
  const own = await readAll<Portal>(people['reseller viewer'], '/portals?limit=1')
  assert.ok(own.every(({ organization }) => organization.id === target.init.reseller.id))
  const { provider } = target.init
  assert.equal(
    (await people['reseller viewer'].send('GET', `/portals?organization=${provider.id}`)).status,
    404,
  )
})

interface Entry {
  readonly id: string
  readonly operation: string
  readonly outcome: string
  readonly status: string
  readonly target: string
  readonly caller: { readonly kind: string; readonly id: string; readonly name: string }
  readonly about: { readonly kind: string; readonly name: string; readonly userId: string } | null
  readonly organization: { readonly id: string; readonly kind: string } | null
  readonly correlationId: string
}

test('the log is filtered by all that its entries say, with names beside ids', async () => {
  const as = people['reseller administrator']
  const { id } = await addUser({ firstName: 'Log', lastName: 'Entry', email: 'log@entry.example' }, as)
  await as.send('POST', `/organizations/${target.init.customer.id}/users`, {
    firstName: 'Other',
    email: 'log@entry.example',
  })
  await as.call('DELETE', `/users/${id}`, undefined, { 'if-match': '*' })
  const list = (query: string, by: ConsoleClient = grace) => readAll<Entry>(by, `/audit?limit=1&${query}`)
  const { customer } = target.init
  for (const by of [grace, people['reseller viewer']]) {
    const about = await list(`target=${id.toUpperCase()}`, by)
    assert.deepEqual(
      about.map(({ operation, outcome }) => [operation, outcome]),
      [
        ['DeleteUser', 'deleted'],
        ['CreateUser', 'created'],
      ],
    )
    assert.partialDeepStrictEqual(about[0], {
      caller: { kind: 'person', id: as.id, name: 'Administrator Okonkwo' },
      about: { kind: 'user', id, name: 'Log Entry', userId: id },
      organization: { id: customer.id, kind: 'customer' },
    })
    const refused = await list('outcome=email_taken', by)
    assert.deepEqual([refused.length, refused[0]?.status], [1, 'Failed'])
    const made = await list(`caller=${as.id}&operation=deleteuser`, by)
    assert.deepEqual([made.length, made[0]?.target], [1, id])
  }
  const ofCustomer = await list(`organization=${customer.id}`)
  assert.ok(ofCustomer.length > 5 && ofCustomer.every(({ organization }) => organization?.id === customer.id))
  assert.equal(new Set(ofCustomer.map((entry) => entry.id)).size, ofCustomer.length)
  const byOperator = await list('caller=operator')
  assert.ok(byOperator.length > 0 && byOperator.every(({ caller }) => caller.kind === 'operator'))
  const failed = await list('status=Failed', people['reseller viewer'])
  assert.ok(failed.length > 0 && failed.every(({ status }) => status === 'Failed'))
  const late = new Date().toISOString()
  assert.deepEqual(await list(`since=${late}`), [])
  for (const query of ['caller=x', 'caller=OPERATOR', 'since=x', `since=${late}&until=2020-01-01T00:00:00Z`])
    assert.equal((await grace.send('GET', `/audit?${query}`)).status, 400, query)
})

test('lists of an organization out of reach respond as those of one that does not exist', async () => {
  const as = people['reseller administrator']
  const { provider } = target.init
  const other = await target.operator.addReseller('out-of-reach.example')
  const absent = newId()
  for (const path of ['/users', '/people', '/portals', '/audit', '/audit/export']) {
    const [missing, ...foreign] = await Promise.all(
      [absent, other, provider.id].map(async (id) => {
        const response = await as.send('GET', `${path}?organization=${id}`)
        const { correlationId: _, ...problem } = jsonOf<Problem>(response)
        return { status: response.status, text: JSON.stringify(problem).replaceAll(id, 'ID') }
      }),
    )
    assert.equal(missing?.status, 404, path)
    for (const one of foreign) assert.deepEqual(one, missing, path)
  }
  const page = await as.send('GET', `/organizations/${other}`)
  assert.equal(page.status, 404)
})

test('the log of an organization that was deleted can still be read', async () => {
  const id = await target.operator.addCustomer()
  await awaitJob(target, await callPortal(target, 'DELETE', `/Customers/${id}`))
  const [deleted] = await readAll<Entry>(grace, `/audit?organization=${id}&operation=DeleteCustomer`)
  assert.equal(deleted?.outcome, 'deleted')
})

test('one request has its entries, its attempts and the block that seals it', async () => {
  const { customer } = target.init
  const made = await grace.send('POST', `/organizations/${customer.id}/users`, {
    firstName: 'Req',
    email: 'r@req.example',
  })
  interface Request {
    readonly entries: readonly Entry[]
    readonly attempts: readonly object[]
    readonly block: { readonly number: number; readonly hash: string } | null
  }
  const found = await grace.call<Request>('GET', `/requests/${made.headers['x-correlation-id']}`)
  assert.deepEqual([found.entries.length, found.entries[0]?.about?.name], [1, 'Req'])
  assert.deepEqual(found.attempts, [])
  if (found.block) assert.match(found.block.hash, /^\S{20,}$/)
})
