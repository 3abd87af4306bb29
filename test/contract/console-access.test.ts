import assert from 'node:assert/strict'
import { randomUUID as newId } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { type ConsoleClient, enterFirst, type Problem, sendToConsole } from './console-client.ts'
import { addPeople, addPerson, ROLES, type Role, type SignedIn } from './console-people.ts'
import { newTenant } from './object-store.ts'
import { getDocument } from './openapi.ts'
import { useOwnTarget } from './target.ts'

/** Who may run an operation. `a`: administrators, `v`: viewers; `P`: of the provider, `R`: of resellers. */
type Roles = readonly ('Pa' | 'Pv' | 'Ra' | 'Rv')[]

const ALL: Roles = ['Pa', 'Pv', 'Ra', 'Rv']
const ADMINISTRATORS: Roles = ['Pa', 'Ra']
const PROVIDER: Roles = ['Pa', 'Pv']

/** What an operation is about: one thing with an id, or everything in reach. */
type About = 'user' | 'organization' | 'customer' | 'person' | 'key' | 'session' | 'nothing'

/**
 * The access table of the console, by operation of its document. An operation that is not here fails the test, so that
 * each new one gets a line.
 */
const MATRIX: Readonly<Record<string, readonly [Roles, About]>> = {
  'GET /me': [ALL, 'nothing'],
  'GET /sessions': [ALL, 'nothing'],
  'DELETE /sessions/{id}': [ALL, 'session'],
  'POST /session/switch': [ALL, 'nothing'],
  'POST /session/end': [ALL, 'nothing'],
  'GET /find': [ALL, 'nothing'],
  'GET /users': [ALL, 'nothing'],
  'GET /groups': [ALL, 'nothing'],
  'GET /organizations': [ALL, 'nothing'],
  'GET /portals': [ALL, 'nothing'],
  'GET /people': [ALL, 'nothing'],
  'GET /audit': [ALL, 'nothing'],
  'GET /audit/export': [ALL, 'nothing'],
  'GET /audit/verification': [PROVIDER, 'nothing'],
  'POST /audit/verification': [PROVIDER, 'nothing'],
  'GET /requests/{id}': [ALL, 'nothing'],
  'GET /organizations/{id}': [ALL, 'organization'],
  'GET /users/{id}': [ALL, 'user'],
  'GET /users/{id}/why': [ALL, 'user'],
  'GET /users/{id}/timeline': [ALL, 'user'],
  'GET /users/{id}/receipt': [ALL, 'user'],
  'GET /users/{id}/account': [ALL, 'user'],
  'GET /users/{id}/account/usage': [ALL, 'user'],
  'POST /organizations/{id}/users': [ADMINISTRATORS, 'organization'],
  'PATCH /users/{id}': [ADMINISTRATORS, 'user'],
  'DELETE /users/{id}': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/restore': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/suspend': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/resume': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/account': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/account/suspend': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/account/resume': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/account/retry': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/account/compare': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/account/mend': [ADMINISTRATORS, 'user'],
  'POST /users/{id}/keys': [ADMINISTRATORS, 'user'],
  'PATCH /keys/{accessKey}': [ADMINISTRATORS, 'key'],
  'DELETE /keys/{accessKey}': [ADMINISTRATORS, 'key'],
  'PATCH /organizations/{id}': [ADMINISTRATORS, 'customer'],
  'POST /organizations/{id}/suspend': [ADMINISTRATORS, 'customer'],
  'POST /organizations/{id}/resume': [ADMINISTRATORS, 'customer'],
  'GET /people/{id}/sessions': [ALL, 'person'],
  'POST /people/{id}/link': [ADMINISTRATORS, 'person'],
  'DELETE /people/{id}/link': [ADMINISTRATORS, 'person'],
  // Viewers may end their own sessions, so the rule is about the person.
  'DELETE /people/{id}/sessions': [ALL, 'person'],
  'GET /platform/causes': [PROVIDER, 'nothing'],
  'GET /platform/unapplied': [PROVIDER, 'nothing'],
  'POST /platform/retry': [['Pa'], 'nothing'],
}

/** Operations without a session. */
const OPEN: ReadonlySet<string> = new Set(['GET /sign-in', 'POST /enter'])
/** They end the session of the call, or need what a matrix does not have. */
const NOT_RUN: ReadonlySet<string> = new Set(['POST /session/switch', 'POST /session/end'])

let grace: ConsoleClient
let people: Readonly<Record<Role, SignedIn>>
/** Things of another reseller, and of its customer. */
let foreign: {
  readonly reseller: string
  readonly customer: string
  readonly user: string
  readonly person: SignedIn
}

const target = useOwnTarget({}, async () => {
  grace = await enterFirst(target)
  people = await addPeople(target, grace)
  const reseller = await target.operator.addReseller('other.example')
  const customer = await target.operator.addCustomer(reseller)
  foreign = {
    ...{ reseller, customer },
    user: await addUser(customer, reseller),
    person: await addPerson(target, grace, {
      ...{ organization: reseller, group: 'Administrator', email: 'a@other.example' },
    }),
  }
})

async function addUser(organization: string, reseller?: string): Promise<string> {
  const body = { firstName: 'Ada', email: `${newId()}@x.example`, ...(reseller && { reseller }) }
  return (await grace.call<{ id: string }>('POST', `/organizations/${organization}/users`, body)).id
}

interface Call {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly roles: Roles
  readonly about: About
}

async function listCalls(): Promise<Call[]> {
  const { paths } = await getDocument(target.url, 'console')
  const names = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/console/api', '')}`),
  )
  return names
    .filter((name) => !OPEN.has(name))
    .map((name) => {
      const [roles, about] = MATRIX[name] ?? assert.fail(`${name} has no line in the matrix`)
      const [method = '', path = ''] = name.split(' ')
      return { name, method, path, roles, about }
    })
}

const shortOf = (role: Role): Roles[number] =>
  `${role.startsWith('provider') ? 'P' : 'R'}${role.endsWith('viewer') ? 'v' : 'a'}`

const BODIES: Readonly<Record<string, object>> = {
  'POST /organizations/{id}/users': { firstName: 'New' },
  'PATCH /users/{id}': { firstName: 'Changed' },
  'PATCH /organizations/{id}': { name: 'Renamed' },
  'PATCH /keys/{accessKey}': { active: false },
  'POST /platform/retry': { userIds: [newId()] },
}

async function run(client: ConsoleClient, { name, method, path }: Call, id: string) {
  const filled = path.replace(/\{\w+\}/, id)
  const query = path === '/find' ? '?q=x' : ''
  const response = await client.send(method, filled + query, BODIES[name], { 'if-match': '*' })
  const code = response.status >= 400 ? jsonOf<Problem>(response).code : undefined
  return { status: response.status, code, text: response.text }
}

test('each operation needs a session', async () => {
  for (const { method, path, name } of await listCalls()) {
    const response = await sendToConsole(target.url, method, path.replace(/\{\w+\}/, newId()), {
      body: BODIES[name],
    })
    assert.equal(response.status, 401, name)
  }
})

test('each operation is for the roles of the access table alone', async () => {
  for (const call of (await listCalls()).filter(({ name }) => !NOT_RUN.has(name)))
    for (const role of ROLES) {
      const { status, code } = await run(people[role], call, newId())
      const shown = `${call.name} as ${role}: ${status} ${code}`
      if (!call.roles.includes(shortOf(role))) assert.deepEqual([status, code], [403, 'not_permitted'], shown)
      else {
        assert.notEqual(code, 'not_permitted', shown)
        const expected = call.about === 'nothing' ? [200, 202] : [404]
        assert.ok(expected.includes(status), shown)
      }
    }
})

const addColleague = (): Promise<SignedIn> => {
  const email = `${newId()}@people.example`
  return addPerson(target, grace, { organization: target.init.reseller.id, group: 'Viewer', email })
}

/** Returns a thing in reach of the reseller, one of another reseller, and none. */
async function listIds(about: About): Promise<Readonly<Record<'own' | 'foreign', string>> | undefined> {
  const { reseller, customer } = target.init
  switch (about) {
    case 'user':
      return { own: await addUser(customer.id, reseller.id), foreign: foreign.user }
    case 'organization':
    case 'customer':
      return { own: customer.id, foreign: foreign.customer }
    case 'person':
      return { own: (await addColleague()).id, foreign: foreign.person.id }
    case 'session': {
      const session = async (of: ConsoleClient) =>
        (await of.call<{ session: { id: string } }>('GET', '/me')).session.id
      return { own: await session(await addColleague()), foreign: await session(foreign.person) }
    }
    default:
      return undefined
  }
}

test('foreign and absent things look alike to people of a reseller, and own ones are reached', async () => {
  const calls = (await listCalls()).filter(({ about }) => !['nothing', 'key'].includes(about))
  for (const call of calls) {
    const ids = (await listIds(call.about)) ?? assert.fail()
    for (const role of ['reseller administrator', 'reseller viewer'] as const) {
      if (!call.roles.includes(shortOf(role))) continue
      const [strange, absent] = [ids.foreign, newId()]
      const [one, other] = [await run(people[role], call, strange), await run(people[role], call, absent)]
      const alike = (text: string, id: string) =>
        text.replaceAll(id, 'ID').replace(/"correlationId":"[^"]*"/, '')
      assert.equal(one.status, 404, `${call.name} as ${role}: ${one.text}`)
      assert.equal(alike(one.text, strange), alike(other.text, absent), call.name)
    }
    const { status, text } = await run(people['reseller administrator'], call, ids.own)
    assert.ok(status !== 404 || / account|on a platform/.test(text), `${call.name}: ${text}`)
    assert.notEqual(status, 403, call.name)
  }
})

test("a viewer who sends an administrator's calls about things in reach changes nothing, and is audited", async () => {
  const { customer, reseller } = target.init
  const user = await addUser(customer.id, reseller.id)
  const states = async () => [
    await grace.call('GET', `/users/${user}`),
    await grace.call('GET', `/organizations/${customer.id}`),
  ]
  const before = await states()
  for (const call of (await listCalls()).filter(({ roles }) => !roles.includes('Rv') && roles.includes('Pa')))
    for (const role of ['provider viewer', 'reseller viewer'] as const) {
      if (call.roles.includes(shortOf(role))) continue
      const ids = { user, organization: customer.id, customer: customer.id, person: people[role].id }
      const id = ids[call.about as keyof typeof ids] ?? newId()
      const { status, code, text } = await run(people[role], call, id)
      assert.deepEqual([status, code], [403, 'not_permitted'], `${call.name} as ${role}`)
      const { correlationId } = JSON.parse(text) as Problem
      const entries = await target.operator.listAudit(correlationId)
      if (call.method !== 'GET')
        assert.deepEqual(
          entries.map((entry) => [entry.status, entry.caller]),
          [['Failed', `person:${people[role].id}`]],
          call.name,
        )
    }
  assert.deepEqual(await states(), before)
})

test('a provider reaches what is below it', async () => {
  await newTenant(target)
  for (const call of await listCalls()) {
    const { path, method } = call
    if (method !== 'GET' || !path.includes('{id}') || call.about === 'nothing') continue
    const ids = (await listIds(call.about)) ?? assert.fail()
    for (const id of Object.values(ids)) {
      const { status, code } = await run(people['provider viewer'], call, id)
      const isAbsent = status === 404 && code !== 'account_not_found'
      assert.ok(!isAbsent && status !== 403, `${call.name}: ${status} ${code}`)
    }
  }
})
