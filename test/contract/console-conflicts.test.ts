import assert from 'node:assert/strict'
import { randomUUID as newId } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { type ConsoleClient, enterFirst, type Problem } from './console-client.ts'
import { addPeople, type Role, type SignedIn } from './console-people.ts'
import { useOwnTarget } from './target.ts'

let grace: ConsoleClient
let people: Readonly<Record<Role, SignedIn>>
const target = useOwnTarget({}, async () => {
  grace = await enterFirst(target)
  people = await addPeople(target, grace)
})

interface Conflict extends Problem {
  readonly existing?: { readonly userId: string }
  readonly current?: {
    readonly etag: string
    readonly firstName: string
    readonly groups: readonly { name: string }[]
  }
}

interface Action {
  readonly action: string
  readonly permitted: boolean
  readonly reason: string | null
}

interface User {
  readonly id: string
  readonly etag: string
  readonly state: string
  readonly actions: readonly Action[]
}

async function refused(
  as: ConsoleClient,
  method: string,
  path: string,
  body?: object,
  ifMatch = '*',
): Promise<Conflict> {
  const response = await as.send(method, path, body, { 'if-match': ifMatch })
  assert.ok(response.status >= 400, `${method} ${path}: ${response.status}`)
  return jsonOf<Conflict>(response)
}

const pathOf = (organization = target.init.customer.id) => `/organizations/${organization}/users`
const create = (as: ConsoleClient, body: object, organization?: string) =>
  as.call<{ id: string; created: boolean; restored: boolean }>('POST', pathOf(organization), body)

test('a taken e-mail address names its user to those who reach them, and to no others', async () => {
  const { init, operator } = target
  const other = await operator.addReseller(`${newId()}.example`)
  const shared = await operator.addCustomer(init.reseller.id, other)
  const email = 'taken@conflict.example'
  const ofOther = await create(grace, { firstName: 'Ada', email, reseller: other }, shared)
  const seen = await refused(grace, 'POST', pathOf(shared), { firstName: 'Eve', email })
  assert.deepEqual([seen.code, seen.existing], ['email_taken', { userId: ofOther.id }])
  const hidden = await refused(people['reseller administrator'], 'POST', pathOf(shared), {
    firstName: 'Eve',
    email,
  })
  assert.deepEqual([hidden.code, hidden.existing], ['email_taken', undefined])
  assert.ok(!JSON.stringify(hidden).includes(ofOther.id))
  const mine = await create(
    people['reseller administrator'],
    { firstName: 'Mia', email: 'mine@conflict.example' },
    shared,
  )
  const change = await refused(people['reseller administrator'], 'PATCH', `/users/${mine.id}`, { email })
  assert.deepEqual([change.code, change.existing], ['email_taken', undefined])
  const again = await refused(people['reseller administrator'], 'POST', pathOf(shared), {
    email: 'MINE@conflict.example',
  })
  assert.deepEqual(again.existing, { userId: mine.id })
})

test('the create of a deleted user brings them back, and says so', async () => {
  const email = 'back@conflict.example'
  const { id, ...first } = await create(grace, { firstName: 'Ada', email })
  assert.deepEqual(first, { created: true, restored: false })
  assert.deepEqual(await create(grace, { firstName: 'Ada', email }), { id, created: false, restored: false })
  await grace.call('DELETE', `/users/${id}`, undefined, { 'if-match': '*' })
  assert.deepEqual(await create(grace, { firstName: 'Augusta', email }), {
    id,
    created: false,
    restored: true,
  })
  await grace.call('DELETE', `/users/${id}`, undefined, { 'if-match': '*' })
  const holder = await grace.call<User>('GET', `/users/${id}`)
  assert.equal(holder.state, 'deleted')
})

test('a change that is too late shows the user as they are now', async () => {
  const { id } = await create(grace, { firstName: 'Ada', email: 'late@conflict.example' })
  const { etag } = await grace.call<User>('GET', `/users/${id}`)
  const changed = await people['reseller administrator'].call<User>(
    'PATCH',
    `/users/${id}`,
    { firstName: 'Augusta', groupIds: [target.init.groups.Viewer] },
    { 'if-match': etag },
  )
  for (const [method, body] of [
    ['PATCH', { firstName: 'Eve' }],
    ['DELETE', undefined],
  ] as const) {
    const late = await refused(grace, method, `/users/${id}`, body, etag)
    assert.deepEqual([late.statusCode, late.code], [412, 'precondition_failed'])
    assert.partialDeepStrictEqual(late.current, {
      etag: changed.etag,
      firstName: 'Augusta',
      groups: [{ name: 'Viewer' }],
    })
  }
})

test('a customer is renamed on top of the name that the person has seen, and not of another one', async () => {
  const { customer, reseller } = target.init
  const path = `/organizations/${customer.id}`
  interface Named {
    readonly name: string
    readonly etag: string
  }
  const seen = await grace.call<Named>('GET', path)
  const as = people['reseller administrator']
  const renamed = await as.call<Named>('PATCH', path, { name: 'Quartz & Söhne' }, { 'if-match': seen.etag })
  assert.deepEqual(await grace.call('GET', path), { ...seen, ...renamed })
  const late = await refused(grace, 'PATCH', path, { name: 'Mine' }, seen.etag)
  assert.deepEqual([late.statusCode, late.code], [412, 'precondition_failed'])
  for (const name of ['', '   ', 'x'.repeat(256), '!!']) {
    const { statusCode, errors } = await refused(grace, 'PATCH', path, { name }, renamed.etag)
    assert.deepEqual([statusCode, errors[0]?.propertyName], [400, 'name'], name)
  }
  const without = await grace.send('PATCH', path, { name: 'Mine' })
  assert.equal(without.status, 400)
  const other = await grace.send('PATCH', `/organizations/${reseller.id}`, { name: 'R' }, { 'if-match': '*' })
  assert.deepEqual([other.status, jsonOf<Problem>(other).code], [404, 'customer_not_found'])
  assert.equal((await grace.call<Named>('GET', path)).name, 'Quartz & Söhne')
  const query = `/audit?operation=UpdateCustomer&status=Succeeded&target=${customer.id}`
  const { items } = await grace.call<{ items: { changes: object[] }[] }>('GET', query)
  assert.deepEqual(items[0]?.changes, [{ name: 'companyName', before: seen.name, after: 'Quartz & Söhne' }])
})

test('people do not delete, suspend or demote themselves, and the page knows before', async () => {
  const { groups, provider } = target.init
  const me = people['provider administrator']
  for (const [method, path, body] of [
    ['DELETE', `/users/${me.id}`, undefined],
    ['POST', `/users/${me.id}/suspend`, undefined],
    ['PATCH', `/users/${me.id}`, { groupIds: [groups.Viewer] }],
  ] as const) {
    const { statusCode, code } = await refused(me, method, path, body)
    assert.deepEqual([statusCode, code], [409, 'oneself'], path)
  }
  await me.call('PATCH', `/users/${me.id}`, { firstName: 'Still' }, { 'if-match': '*' })
  await me.call(
    'PATCH',
    `/users/${me.id}`,
    { groupIds: [groups.Viewer, groups.Administrator] },
    { 'if-match': '*' },
  )
  const reasonsOf = async (as: ConsoleClient, id: string) => {
    const { actions } = await as.call<User>('GET', `/users/${id}`)
    return Object.fromEntries(actions.map(({ action, reason }) => [action, reason]))
  }
  const own = await reasonsOf(me, me.id)
  assert.partialDeepStrictEqual(own, {
    ...{ update: null, delete: 'oneself', suspend: 'oneself', leave_administrator: 'oneself' },
    ...{
      restore: 'user_not_deleted',
      resume: 'user_not_suspended',
      make_link: null,
      give_account: 'no_tenant',
    },
  })
  assert.equal((await reasonsOf(people['provider viewer'], me.id)).delete, 'not_permitted')
  const last = people['reseller administrator']
  assert.partialDeepStrictEqual(await reasonsOf(grace, last.id), {
    ...{
      delete: 'last_administrator',
      suspend: 'last_administrator',
      leave_administrator: 'last_administrator',
    },
  })
  assert.equal((await refused(grace, 'DELETE', `/users/${last.id}`)).code, 'last_administrator')
  // What the page says is what a call gets.
  const other = await create(grace, { firstName: 'Other', groupIds: [groups.Administrator] }, provider.id)
  assert.partialDeepStrictEqual(await reasonsOf(me, other.id), {
    delete: null,
    suspend: null,
    retry: 'nothing_to_retry',
  })
  await me.call('POST', `/users/${other.id}/suspend`)
  assert.partialDeepStrictEqual(await reasonsOf(me, other.id), {
    suspend: 'user_suspended',
    resume: null,
    make_link: 'cannot_enter',
  })
  await me.call('POST', `/users/${other.id}/resume`)
  await me.call('DELETE', `/users/${other.id}`, undefined, { 'if-match': '*' })
  assert.partialDeepStrictEqual(await reasonsOf(me, other.id), { delete: 'user_deleted', restore: null })
})

test('each broken rule has its parameters, in the words of a closed list', async () => {
  const { errors } = await refused(grace, 'POST', pathOf(), {
    ...{ firstName: 'x'.repeat(256), lastName: 1, email: 'nobody', groupIds: ['x', 2] },
  })
  const rules = errors.map((one) => {
    const { propertyName, rule, params } = one as typeof one & { params: object }
    return [propertyName, rule, params]
  })
  assert.deepEqual(rules, [
    ['email', 'email', {}],
    ['firstName', 'maxLength', { max: 255 }],
    ['groupIds[0]', 'format', { format: 'uuid' }],
    ['groupIds[1]', 'type', { type: 'string' }],
    ['lastName', 'type', { type: 'string or null' }],
  ])
  const query = await refused(grace, 'GET', '/users?limit=201&org=x&sort=x&state=gone')
  assert.deepEqual(
    query.errors.map(({ propertyName, rule }) => [propertyName, rule]),
    [
      ['limit', 'maximum'],
      ['org', 'unknown'],
      ['sort', 'enum'],
      ['state', 'pattern'],
    ],
  )
})

test('a customer is suspended and resumed; others look as if they did not exist', async () => {
  const as = people['reseller administrator']
  const customer = await target.operator.addCustomer(target.init.reseller.id)
  const done = await as.call<{ suspendedAt: string | null }>('POST', `/organizations/${customer}/suspend`)
  assert.ok(done.suspendedAt)
  assert.equal((await as.call<{ state: string }>('GET', `/organizations/${customer}`)).state, 'suspended')
  assert.deepEqual(await as.call('POST', `/organizations/${customer}/resume`), {
    suspendedAt: null,
    pendingAccounts: 0,
  })
  for (const id of [newId(), target.init.provider.id, target.init.reseller.id])
    assert.equal((await refused(as, 'POST', `/organizations/${id}/suspend`)).code, 'customer_not_found')
})

test('a page that polls after its session has ended does not lock its address out', async () => {
  const person = people['reseller viewer']
  await person.call('POST', '/session/end')
  for (let i = 0; i < 150; i++) assert.equal((await person.send('GET', '/me')).status, 401)
  assert.equal((await grace.send('GET', '/me')).status, 200)
})
