import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HttpResponse } from '../../testing/http.ts'
import { jsonOf } from '../../testing/http.ts'
import type { StartedTarget } from '../../testing/target.ts'
import { getToken } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { addReseller, newCustomer, type Page } from '../contract/companies.ts'
import { callPortal, idOf, type PortalCall } from '../contract/portal.ts'

/** An access key of a person. */
export interface Key {
  readonly accessKey: string
  readonly secretKey: string
}

/** What the test needs of a platform that it can look at. */
export interface Storage {
  /** Returns whether a key works there. */
  works(key: Key): Promise<boolean>
  /** Is told the tenant of the customer, for what the test leaves behind. */
  adopt(tenantId: string): void
}

interface User {
  readonly id: string
  readonly active: boolean
  readonly lastName: string | null
  readonly accounts: readonly { readonly state: string; readonly platformState: string }[]
}

const PEOPLE = 500
/** How long a change may take to reach the platform, in milliseconds. */
const LIMIT_MS = 60_000

/**
 * Lives one day at a provider, through HTTP and the command line alone: a reseller and a customer come, 500 people are
 * imported, one changes, the customer is suspended because it does not pay, and resumes; a person leaves, the audit log
 * says who did what, and the person is erased.
 * @param storage the platform behind the server, if the test can look at it
 */
export async function liveADay(target: StartedTarget, storage?: Storage): Promise<void> {
  const reseller = await onboardReseller(target)
  const customer = await onboardCustomer(target, reseller, storage)
  const people = await importPeople(target, customer)
  const key = await giveKey(target, people.ada, reseller)
  const works = async (): Promise<boolean | undefined> => storage?.works(key)
  if (storage) await waitUntil(async () => (await works()) === true, LIMIT_MS)
  await changePerson(target, people.ada, reseller)
  await suspendForNonPayment(target, { customer, person: people.ada, works })
  await removeLeaver(target, { customer, people, works })
  await answerAuditQuestion(target, { customer, person: people.ada, reseller })
  await erase(target, people.ada)
  const { whole } = await target.cli<{ whole: boolean }>('audit', 'verify')
  assert.ok(whole)
}

type Reseller = PortalCall & { readonly id: string; readonly accessId: string }

async function expect(response: Promise<HttpResponse>, status: number): Promise<HttpResponse> {
  const found = await response
  assert.equal(found.status, status, found.text)
  return found
}

/** The reseller gets a portal of its own and an API access for its billing. */
async function onboardReseller(target: StartedTarget): Promise<Reseller> {
  const id = await addReseller(target, { companyName: 'Cirrus Partners' })
  const portal = `${randomUUID()}.example`
  await expect(callPortal(target, 'PUT', `/Resellers/${id}/portal`, { body: { domain: portal } }), 200)
  const body = { name: 'Billing', permission: 'administrator', organizationId: id }
  const made = await expect(callPortal(target, 'POST', '/api-accesses', { body }), 201)
  const access = jsonOf<{ id: string; clientSecret: string }>(made)
  const secret = { client_id: access.id, client_secret: access.clientSecret }
  return { id, portal, accessId: access.id, token: await getToken(target.url, secret) }
}

/** The reseller orders: everyone of the customer gets storage. */
async function onboardCustomer(
  target: StartedTarget,
  reseller: Reseller,
  storage: Storage | undefined,
): Promise<string> {
  const body = newCustomer({ companyName: 'Acme Industries' })
  const id = idOf(await callPortal(target, 'POST', '/Customers', { ...reseller, body }))
  const tenant = { accounts: 'everyone' }
  const made = await expect(callPortal(target, 'PUT', `/Customers/${id}/tenant`, { body: tenant }), 200)
  storage?.adopt(jsonOf<{ id: string }>(made).id)
  return id
}

interface People {
  readonly ada: Person
  readonly count: number
}

interface Person {
  readonly id: string
  readonly email: string
}

/** The customer's list has a header, a semicolon between its cells, umlauts, and one address that is none. */
async function importPeople(target: StartedTarget, customer: string): Promise<People> {
  const rows = Array.from({ length: PEOPLE - 1 }, (_, i) => `Zoë;Number ${i};zoe.${i}@acme.example;Viewer`)
  const lines = ['firstName;lastName;email;groups', 'Ada;Byron;ada@acme.example;Administrator', ...rows]
  const file = join(target.dataDir, 'people.csv')
  writeFileSync(file, `${[...lines, 'No;Address;nowhere;'].join('\r\n')}\r\n`)
  const args = ['user', 'import', file, '--organization', customer, '--json']
  const planned = await target.run(...args, '--plan')
  assert.equal(planned.code, 1, planned.stderr)
  assert.equal((await listUsers(target, customer)).length, 0)
  const imported = await target.run(...args)
  assert.equal(imported.code, 1, imported.stderr)
  const summary = JSON.parse(imported.stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
  assert.partialDeepStrictEqual(summary, { created: PEOPLE, invalid: 1 })
  const users = await listUsers(target, customer)
  const ada = users.find(({ email }) => email === 'ada@acme.example') ?? assert.fail('Ada is missing')
  return { ada, count: users.length }
}

async function listUsers(target: StartedTarget, customer: string): Promise<Person[]> {
  return jsonOf<Person[]>(await expect(callPortal(target, 'GET', `/customer/${customer}/users`), 200))
}

async function read(target: StartedTarget, { id }: Person, call: PortalCall = {}): Promise<User> {
  return jsonOf<User>(await expect(callPortal(target, 'GET', `/users/${id}`, call), 200))
}

/** The reseller makes a key for Ada, whose account the import has made. */
async function giveKey(target: StartedTarget, ada: Person, reseller: Reseller): Promise<Key> {
  assert.deepEqual(
    (await read(target, ada)).accounts.map(({ state }) => state),
    ['active'],
  )
  const path = `/users/${ada.id}/account/credentials`
  return jsonOf<Key>(await expect(callPortal(target, 'POST', path, reseller), 201))
}

async function changePerson(target: StartedTarget, { id, email }: Person, reseller: Reseller): Promise<void> {
  const body = { lastName: 'Lovelace' }
  await expect(callPortal(target, 'PATCH', `/users/${email}`, { ...reseller, body }), 204)
  const [found] = jsonOf<Page>(
    await callPortal(target, 'GET', '/users?searchValue=lovelace%20acme', reseller),
  ).items
  assert.deepEqual([found?.id, found?.lastName], [id, 'Lovelace'])
}

interface Suspended {
  readonly customer: string
  readonly person: Person
  /** Whether the person's key works; undefined if the platform cannot be looked at. */
  readonly works: () => Promise<boolean | undefined>
}

/** Nobody of the customer gets in, and no key works; afterwards everything is as it was. */
async function suspendForNonPayment(
  target: StartedTarget,
  { customer, person, works }: Suspended,
): Promise<void> {
  const body = { name: 'Portal', permission: 'viewer', organizationId: customer }
  const made = await expect(callPortal(target, 'POST', '/api-accesses', { body }), 201)
  const { id: client_id, clientSecret: client_secret } = jsonOf<{ id: string; clientSecret: string }>(made)
  const token = await getToken(target.url, { client_id, client_secret })
  await expect(callPortal(target, 'GET', `/customer/${customer}/users`, { token }), 200)
  await expect(callPortal(target, 'POST', `/Customers/${customer}/suspend`), 200)
  await expect(callPortal(target, 'GET', `/customer/${customer}/users`, { token }), 401)
  await assert.rejects(getToken(target.url, { client_id, client_secret }))
  await waitUntil(async () => (await works()) !== true, LIMIT_MS)
  const suspended = await read(target, person)
  assert.deepEqual([suspended.active, suspended.accounts[0]?.state], [true, 'suspended'])
  await expect(callPortal(target, 'POST', `/Customers/${customer}/resume`), 200)
  await expect(callPortal(target, 'GET', `/customer/${customer}/users`, { token }), 200)
  await waitUntil(async () => (await works()) !== false, LIMIT_MS)
  assert.equal((await read(target, person)).accounts[0]?.state, 'active')
}

interface Leaving {
  readonly customer: string
  readonly people: People
  readonly works: () => Promise<boolean | undefined>
}

/** Ada is the last Administrator, so another user takes over before Ada leaves. */
async function removeLeaver(target: StartedTarget, { customer, people, works }: Leaving): Promise<void> {
  const { ada, count } = people
  const refused = await expect(callPortal(target, 'DELETE', `/users/${ada.email}`), 400)
  assert.match(refused.text, /"propertyName":"groups"/)
  const groups = [{ id: target.init.groups.Administrator }]
  await expect(callPortal(target, 'PATCH', '/users/zoe.7@acme.example', { body: { groups } }), 204)
  await expect(callPortal(target, 'DELETE', `/users/${ada.email}`), 204)
  await waitUntil(async () => (await works()) !== true, LIMIT_MS)
  assert.equal((await listUsers(target, customer)).length, count - 1)
}

interface Question {
  readonly customer: string
  readonly person: Person
  readonly reseller: Reseller
}

interface Entry {
  readonly operation: string
  readonly user: { readonly id: string }
  readonly changes: readonly {
    readonly propertyName: string
    readonly before: unknown
    readonly after: unknown
  }[]
}

async function listEntries(target: StartedTarget, query: string, call: PortalCall = {}): Promise<Entry[]> {
  const response = await expect(callPortal(target, 'GET', `/AuditLogs?${query}`, call), 200)
  return jsonOf<{ items: Entry[] }>(response).items
}

/** "Who renamed Ada, and from what?" The reseller finds out by itself. */
async function answerAuditQuestion(target: StartedTarget, { person, reseller }: Question): Promise<void> {
  const query = 'Operations=UpdateUser&Customer=acme&Status=Succeded'
  const entries = await listEntries(target, query, reseller)
  const renamed = entries.find(({ changes }) => changes[0]?.propertyName === 'lastName')
  assert.partialDeepStrictEqual(renamed, {
    user: { id: reseller.accessId },
    targetId: person.id,
    changes: [{ propertyName: 'lastName', before: 'Byron', after: 'Lovelace' }],
  })
}

/** Ada asks to be forgotten. The log keeps what was done, without the name. */
async function erase(target: StartedTarget, ada: Person): Promise<void> {
  const receipt = await target.cli<{ id: string }>('user', 'erase', ada.id)
  assert.equal(receipt.id, ada.id)
  const entries = await listEntries(target, 'Operations=UpdateUser&Customer=acme')
  const renamed = entries.flatMap(({ changes }) =>
    changes.filter(({ propertyName }) => propertyName === 'lastName'),
  )
  assert.deepEqual(renamed, [{ propertyName: 'lastName', before: null, after: null }])
}
