import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { operatorOf } from '../../src/directory/context.ts'
import { createCustomer } from '../../src/directory/customers.ts'
import type { Directory } from '../../src/directory/directory.ts'
import { eraseUser } from '../../src/directory/erasure.ts'
import { find } from '../../src/directory/find.ts'
import { FOLLOW_ORGANIZATION } from '../../src/directory/following.ts'
import { beginJob } from '../../src/directory/jobs/jobs.ts'
import { createPersonAccount } from '../../src/directory/person-accounts.ts'
import { createPersonCredential, updatePersonCredential } from '../../src/directory/person-credentials.ts'
import { suspendCustomer } from '../../src/directory/suspension.ts'
import { adoptCustomer } from '../../src/directory/tenants.ts'
import { runUnit } from '../../src/directory/unit.ts'
import { deleteUser, suspendUser, updateUser } from '../../src/directory/user-changes.ts'
import { listUsers } from '../../src/directory/user-lists.ts'
import { createUser } from '../../src/directory/users.ts'
import { NO_COMPANY } from '../../src/model/companies.ts'
import type { Context } from '../../src/model/context.ts'
import type { Hit } from '../../src/model/find.ts'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { insertOrganization } from '../../src/store/tables/organizations.ts'
import {
  addAccount,
  addClient,
  addOrganization,
  addPortal,
  clientIdOf,
  newTestDirectory,
  newUser,
  type TestDirectory,
} from '../support/directories.ts'
import { NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'
import { watchReads } from '../support/watched-store.ts'

/** Everything that one customer has, by the text that finds it. */
interface Things {
  readonly customer: Organization
  readonly userId: string
  readonly correlationId: string
  readonly texts: Readonly<Record<string, string>>
}

interface World {
  readonly on: TestDirectory
  /** A customer of the reseller, one of another reseller, one of the provider alone, one of another provider. */
  readonly near: Things
  readonly beside: Things
  readonly direct: Things
  readonly far: Things
  readonly reseller: Context
  readonly customer: Context
  readonly otherProvider: Context
}

async function newWorld(open: OpenStore): Promise<World> {
  const on = await newTestDirectory(open)
  await addPortal(on, 'near.example', on.resellerId)
  const other = await addOrganization(on, 'reseller')
  await addPortal(on, 'beside.example', other.id)
  const provider = await on.dir.store.write((tx) =>
    insertOrganization(tx, { id: newId(), kind: 'provider', name: 'Far', providerPk: null, now: NOW }),
  )
  const far = operatorOf(provider)
  const near = await addThings(on, on.operator, { resellers: [on.resellerId], name: 'near' })
  return {
    on,
    near,
    beside: await addThings(on, on.operator, { resellers: [other.id], name: 'beside' }),
    direct: await addThings(on, on.operator, { resellers: [], name: 'direct' }),
    far: await addThings(on, far, { resellers: [], name: 'far' }),
    reseller: await addClient(on, on.resellerId),
    customer: await addClient(on, near.customer.id),
    otherProvider: far,
  }
}

async function addThings(
  on: TestDirectory,
  operator: Context,
  { resellers, name }: { resellers: readonly string[]; name: string },
): Promise<Things> {
  const { dir } = on
  const customer = await addOrganization({ dir, operator }, 'customer', resellers)
  const ctx = { ...operator, correlationId: newId() }
  const tenant = await adoptCustomer(dir, ctx, { customerId: customer.id, name, orgIds: [`org-${name}`] })
  const user = newUser({
    firstName: `Quentin${name}`,
    lastName: 'Okonkwo',
    email: `quentin.${name}@x.example`,
  })
  const { id: userId } = await createUser(dir, ctx, { organizationId: customer.id, user })
  const { account } = await createPersonAccount(dir, ctx, { userId })
  const { key } = await createPersonCredential(dir, ctx, { userId })
  const client = await addClient({ ...on, operator }, customer.id)
  const jobId = await runUnit(dir, ctx, { operation: 'FollowOrganization' }, (unit) =>
    beginJob(unit, FOLLOW_ORGANIZATION, { input: { organizationId: customer.id }, target: customer.id }),
  )
  return {
    customer,
    userId,
    correlationId: ctx.correlationId,
    texts: {
      user: userId,
      organization: customer.id,
      tenant: tenant.id,
      account: account.canonicalUserId,
      key: key.accessKey,
      client: clientIdOf(client),
      job: jobId,
      request: ctx.correlationId,
      email: user.email ?? '',
      words: `quentin${name} okon`,
      org: `org-${name}`,
    },
  }
}

const kinds = (hits: readonly Hit[]): string[] => hits.map(({ kind, match }) => `${kind} by ${match}`)

async function search(dir: Directory, ctx: Context, text: string): Promise<readonly Hit[]> {
  return (await find(dir, ctx, { text, limit: 10 })).hits
}

export function findSuite(open: OpenStore): void {
  describe('find', () => {
    test('one field finds a thing by any of its ids, and says what it is', () => findsAnything(open))
    test('words find users by parts of names and e-mails, at once after each change', () => findsUsers(open))
    test('organizations are found by name, domain of a portal, and identifier', () =>
      findsOrganizations(open))
    test('deleted, erased, suspended and disabled things say so', () => statesAreTold(open))
    test('any text is a search', () => anyText(open))
  })
}

/** Which caller finds what. */
export function findReachSuite(open: OpenStore): void {
  describe('find', () => {
    test('a caller finds what it reaches; foreign things look like absent ones, after the same look-ups', () =>
      reachIsKept(open))
  })
}

const EXPECTED: Readonly<Record<string, string>> = {
  user: 'user by id',
  organization: 'organization by id',
  tenant: 'tenant by id',
  account: 'account by canonical_id',
  key: 'key by access_key',
  client: 'client by id',
  job: 'job by id',
  request: 'request by correlation_id',
  email: 'user by email',
  words: 'user by words',
  org: 'tenant by org',
}

async function findsAnything(open: OpenStore): Promise<void> {
  const { on, near } = await newWorld(open)
  for (const [name, text] of Object.entries(near.texts))
    for (const typed of [text, ` ${text} `, `"${text}"`, `<${text}>`])
      assert.deepEqual(kinds(await search(on.dir, on.provider, typed)), [EXPECTED[name]], `${name}: ${typed}`)
  for (const name of ['user', 'organization', 'client', 'job', 'request'])
    assert.equal((await search(on.dir, on.provider, (near.texts[name] ?? '').toUpperCase())).length, 1)
  const [user] = await search(on.dir, on.provider, near.texts.user ?? '')
  const { id, name, kind } = near.customer
  const organization = { id, name, kind }
  assert.deepEqual(user, {
    ...{ kind: 'user', id: near.userId, name: 'Quentinnear Okonkwo', email: 'quentin.near@x.example' },
    ...{ state: 'active', match: 'id', organization, userId: null },
  })
  const [key] = await search(on.dir, on.provider, near.texts.key ?? '')
  assert.partialDeepStrictEqual(key, { userId: near.userId, email: 'quentin.near@x.example', organization })
  const account = await addAccount(on, 'cd-user')
  assert.deepEqual(kinds(await search(on.dir, on.provider, 'cd-user')), ['account by org_user'])
  assert.deepEqual(kinds(await search(on.dir, on.provider, account.canonicalUserId)), [
    'account by canonical_id',
  ])
}

async function findsUsers(open: OpenStore): Promise<void> {
  const { on, near } = await newWorld(open)
  const { dir, provider } = on
  const names = async (text: string): Promise<(string | null)[]> =>
    (await search(dir, provider, text)).filter(({ kind }) => kind === 'user').map(({ email }) => email)
  for (const text of ['ENTINNEAR', 'quentin.near', 'near@x', 'okonkwo quentinnear', 'qu quentinnear'])
    assert.deepEqual(await names(text), ['quentin.near@x.example'], text)
  assert.deepEqual(await names('x.example'), [
    ...['quentin.beside@x.example', 'quentin.direct@x.example', 'quentin.near@x.example'],
  ])
  assert.deepEqual(await names('okonkwo nobody'), [])
  const change = async (changes: object): Promise<void> => {
    await updateUser(dir, provider, { user: near.userId, changes })
  }
  await change({ firstName: 'Zoë' })
  assert.deepEqual(await names('ZOË'), ['quentin.near@x.example'])
  assert.deepEqual(await names('quentinnear'), [])
  // From here on, the users are in the index.
  await listUsers(dir, provider, { order: { by: 'name', ascending: true }, page: { offset: 0, limit: 1 } })
  assert.deepEqual(await names('zoë okonkwo'), ['quentin.near@x.example'])
  assert.deepEqual(await names('zo'), ['quentin.near@x.example'])
  assert.deepEqual(await names('qu ok'), [
    'quentin.beside@x.example',
    'quentin.direct@x.example',
    'quentin.near@x.example',
  ])
  await change({ firstName: 'Xaver' })
  assert.deepEqual([await names('xaver'), await names('zoë')], [['quentin.near@x.example'], []])
  await createUser(dir, provider, {
    organizationId: near.customer.id,
    user: newUser({ email: 'new.okonkwo@y.example' }),
  })
  assert.deepEqual(await names('okonkwo y.exa'), ['new.okonkwo@y.example'])
  const { hits, more } = await find(dir, provider, { text: 'okonkwo', limit: 2 })
  assert.deepEqual([hits.length, more], [2, true])
}

async function findsOrganizations(open: OpenStore): Promise<void> {
  const { on, reseller } = await newWorld(open)
  const { dir, provider, operator } = on
  const names = async (ctx: Context, text: string): Promise<string[]> =>
    (await search(dir, ctx, text)).filter(({ kind }) => kind === 'organization').map(({ name }) => name ?? '')
  assert.deepEqual(kinds(await search(dir, provider, 'NEAR.example')), ['organization by portal'])
  assert.deepEqual(await names(reseller, 'beside.example'), [])
  const all = ['A customer', 'A customer', 'A customer', 'Example Customer']
  assert.deepEqual(await names(operator, 'a customer'), all)
  assert.deepEqual(await names(reseller, 'A CUSTOMER'), ['A customer', 'Example Customer'])
  const company = { ...NO_COMPANY, companyName: 'Boring Quartz', country: 'DE', email: 'it@contact.example' }
  const { id } = await createCustomer(dir, reseller, { company, internalIdentifier: 'K-4711' })
  await createCustomer(dir, reseller, { company: { ...company, companyName: 'Quartz' } })
  assert.deepEqual(await names(reseller, 'quartz'), ['Quartz', 'Boring Quartz'])
  assert.deepEqual(await names(reseller, 'qu'), ['Quartz'])
  assert.deepEqual(await names(reseller, 'k-4711'), ['Boring Quartz'])
  await createCustomer(dir, reseller, { company: { ...company, companyName: '100%_Pure and Very Nice' } })
  for (const text of ['100%_p', '%_pure nice', 'very 100 nice pure and'])
    assert.deepEqual(await names(reseller, text), ['100%_Pure and Very Nice'], text)
  for (const text of ['100_%p', '%pure nice', 'very 100 nice pure or'])
    assert.deepEqual(await names(reseller, text), [], text)
  // It is the reseller's identifier, not the provider's.
  assert.deepEqual(await names(operator, 'k-4711'), [])
  assert.deepEqual(await names(operator, 'contact.example'), [
    '100%_Pure and Very Nice',
    'Boring Quartz',
    'Quartz',
  ])
  await suspendCustomer(dir, reseller, id)
  const [suspended] = await search(dir, reseller, id)
  assert.partialDeepStrictEqual(suspended, {
    kind: 'organization',
    state: 'suspended',
    name: 'Boring Quartz',
  })
}

async function reachIsKept(open: OpenStore): Promise<void> {
  const { on, near, beside, direct, far, reseller, customer, otherProvider } = await newWorld(open)
  const { store, take } = watchReads(on.dir.store)
  const dir = { ...on.dir, store }
  const viewer = await addClient(on, on.resellerId, 'viewer')
  const readers: readonly [string, Context, readonly Things[]][] = [
    ['provider', on.provider, [near, beside, direct]],
    ['operator', on.operator, [near, beside, direct]],
    ['reseller', reseller, [near]],
    ['viewer of the reseller', viewer, [near]],
    ['customer', customer, [near]],
    ['other provider', otherProvider, [far]],
  ]
  const hidden: Readonly<Record<string, readonly string[]>> = {
    // Clients are the provider's and the organization's own; customers have no list of them, and no log.
    reseller: ['client', 'job'],
    'viewer of the reseller': ['client', 'job'],
    customer: ['client', 'request', 'job'],
  }
  for (const [who, ctx, reached] of readers) {
    for (const things of [near, beside, direct, far]) {
      for (const [name, text] of Object.entries(things.texts)) {
        take()
        const hits = await search(dir, ctx, text)
        const asked = take()
        const isHidden = hidden[who]?.includes(name) ?? false
        if (reached.includes(things) && !isHidden) {
          assert.deepEqual(kinds(hits), [EXPECTED[name]], `${who}: ${name}`)
          continue
        }
        if (reached.includes(things)) continue
        assert.deepEqual(hits, [], `${who}: ${name} of another`)
        const absent = toAbsent(name, text)
        assert.deepEqual(await search(dir, ctx, absent), [])
        if (name !== 'words' && name !== 'email')
          assert.deepEqual(
            asked.sort(),
            take().sort(),
            `${who}: ${name} of another costs what ${absent} does`,
          )
      }
    }
  }
}

/** A text of the same form that nothing has. */
function toAbsent(name: string, text: string): string {
  if (['user', 'organization', 'client', 'job', 'request'].includes(name)) return newId()
  const other = text.replace(/[a-z0-9]/gi, 'q')
  return name === 'account' ? `${other.split('$')[0]}$${newId()}` : other
}

async function statesAreTold(open: OpenStore): Promise<void> {
  const { on, near, beside, reseller } = await newWorld(open)
  const { dir, operator } = on
  const state = async (text: string, ctx = operator): Promise<string[]> =>
    (await search(dir, ctx, text)).map((hit) => hit.state)
  await suspendUser(dir, operator, { user: near.userId })
  const key = near.texts.key ?? ''
  await updatePersonCredential(dir, operator, { userId: near.userId, accessKey: key, active: false })
  assert.deepEqual(await state(near.userId), ['suspended'])
  assert.deepEqual(await state(near.texts.account ?? ''), ['suspended'])
  assert.deepEqual(await state(key), ['disabled'])
  await deleteUser(dir, operator, { user: near.userId })
  assert.deepEqual(await state(near.userId, reseller), ['deleted'])
  assert.deepEqual(await state('quentin.near@x.example'), [])
  await deleteUser(dir, operator, { user: beside.userId })
  await eraseUser(dir, operator, { user: beside.userId })
  const [erased] = await search(dir, operator, beside.userId)
  assert.partialDeepStrictEqual(erased, { state: 'erased', name: null, email: null })
}

const HOSTILE = [
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '%',
    '_',
    '%%%',
    '___',
    '\\',
    '\\\\\\',
    "'",
    '"',
    '""',
    '"""',
    '"a" OR "b"',
  ],
  ...[
    'NEAR(a b)',
    'a*',
    '^abc',
    '-abc',
    'abc:def',
    '(abc',
    "'; drop table users; --",
    '\u{10ffff}',
    '\u0001\u0002',
  ],
  ...[
    '😀😀😀',
    'ß',
    'İstanbul',
    '\u202e',
    '\n',
    'a'.repeat(255),
    'a'.repeat(256),
    'ab '.repeat(80),
    '💥'.repeat(255),
  ],
  ...[
    '@',
    'a@',
    '@b',
    'a@b@c',
    '$',
    'a$',
    '$b',
    '<>',
    '""',
    '<',
    'x'.repeat(100_000),
    '.',
    '..',
    '-.-',
    '1e999',
    'NaN',
  ],
]

async function anyText(open: OpenStore): Promise<void> {
  const { on, reseller, customer } = await newWorld(open)
  for (const ctx of [on.provider, reseller, customer])
    for (const text of HOSTILE) {
      const { hits } = await find(on.dir, ctx, { text, limit: 3 })
      for (const hit of hits) assert.ok(['user', 'organization'].includes(hit.kind), JSON.stringify(text))
    }
}
