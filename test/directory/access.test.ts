import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ACCESS, isPermitted } from '../../src/directory/access.ts'
import { GROUP_MEANINGS, getPermission } from '../../src/directory/group-meanings.ts'
import type { Operation } from '../../src/model/audit.ts'
import type { Caller, Context, Permission } from '../../src/model/context.ts'
import type { OrganizationKind } from '../../src/model/organizations.ts'
import { GROUP_NAMES } from '../../src/model/users.ts'

const DIRECTORY = join(import.meta.dirname, '../../src/directory')
const OPERATIONS = Object.keys(ACCESS) as Operation[]

function listPermitted(caller: Caller, permission: Permission, kind: OrganizationKind): Operation[] {
  const organization = { pk: 1, id: 'o', kind, name: 'O', providerPk: 1, createdAt: '' }
  const ctx: Context = { caller, permission, organization, portal: null, correlationId: 'c', address: null }
  return OPERATIONS.filter((operation) => isPermitted(ctx, operation))
}

const CLIENT: Caller = { kind: 'client', pk: 1, id: 'client' }
const PERSON: Caller = { kind: 'person', id: 'person' }
const KINDS = ['provider', 'reseller', 'customer'] as const

/** What changes users, by the kind of organization for which it is done. */
const CHANGES = {
  provider: ['CreateUser', 'CreateResellerUser', 'CreateProviderUser'],
  reseller: ['CreateUser', 'CreateResellerUser'],
  customer: ['CreateUser'],
} as const
const CHANGES_OF_ONE = ['UpdateUser', 'DeleteUser', 'SuspendUser', 'ResumeUser', 'RestoreUser'] as const
const READS = {
  provider: ['GetUser', 'ListUsers', 'ListCustomerUsers', 'ListGroups'],
  reseller: ['GetUser', 'ListUsers', 'ListCustomerUsers', 'ListGroups'],
  customer: ['GetUser', 'ListCustomerUsers', 'ListGroups'],
} as const
const ABOUT_USERS: ReadonlySet<Operation> = new Set([
  ...CHANGES.provider,
  ...CHANGES_OF_ONE,
  ...READS.provider,
])

/** The operations about single users that a caller may run. */
function listOfUsers(caller: Caller, permission: Permission, kind: OrganizationKind): Operation[] {
  return listPermitted(caller, permission, kind).filter((one) => ABOUT_USERS.has(one))
}

test('an administrator manages users, and those of the provider for a provider alone', () => {
  for (const kind of KINDS)
    assert.deepEqual(listOfUsers(CLIENT, 'administrator', kind), [
      ...[...CHANGES[kind], ...CHANGES_OF_ONE, ...READS[kind]],
    ])
})

test('a viewer reads, and changes nothing', () => {
  for (const kind of KINDS) {
    assert.deepEqual(listOfUsers(CLIENT, 'viewer', kind), READS[kind])
    for (const one of listPermitted(CLIENT, 'viewer', kind))
      assert.match(one, /^(Get|List|Export|Find|Explain|IssueToken)/)
  }
})

test('an OSIS client of a provider runs the operations of OSIS, and no others', () => {
  assert.deepEqual(listPermitted(CLIENT, 'osis', 'provider'), [
    ...['CreateTenant', 'UpdateTenant', 'DeleteTenant'],
    ...['ListTenants', 'QueryTenants', 'GetTenant', 'HeadTenant'],
    ...['CreateAccount', 'LinkAccount', 'UpdateAccount', 'DeleteAccount'],
    ...['ListAccounts', 'QueryAccounts', 'GetAccount', 'GetAccountByCanonicalId', 'HeadAccount'],
    ...['CreateCredential', 'UpdateCredential', 'DeleteCredential'],
    ...['ListCredentials', 'QueryCredentials', 'GetCredential'],
    ...['GetUsage', 'ListBuckets', 'GetAnonymousUser', 'GetConsole', 'GetS3Capabilities', 'GetInfo'],
    ...['CreateRefreshToken', 'RefreshToken'],
  ])
})

test('the operator runs every operation but those by which a client logs in', () => {
  const refused = OPERATIONS.filter(
    (one) => !listPermitted({ kind: 'operator' }, 'administrator', 'provider').includes(one),
  )
  const ofPeople = ['SignIn', 'SignOut', 'GetMe', 'BindIdentity']
  assert.deepEqual(refused, [...ofPeople, 'IssueToken', 'CreateRefreshToken', 'RefreshToken'])
})

test('a person of a provider or a reseller manages users as an administrator, and reads as a viewer', () => {
  for (const kind of ['provider', 'reseller'] as const) {
    const all = [...CHANGES[kind], ...CHANGES_OF_ONE, ...READS[kind]]
    assert.deepEqual(listOfUsers(PERSON, 'administrator', kind), all)
    assert.deepEqual(listOfUsers(PERSON, 'viewer', kind), READS[kind])
    assert.deepEqual(listPermitted(PERSON, 'osis', kind), [])
  }
})

test('the most that one of their groups gives is what a person may do; alerts come on top', () => {
  const permit = (...names: string[]) => getPermission(names.map((name) => ({ name })))
  assert.equal(permit('Viewer', 'Administrator'), 'administrator')
  assert.equal(permit('Alert Manager', 'Viewer'), 'viewer')
  for (const none of [[], ['Alert Manager'], ['administrator'], ['toString']])
    assert.equal(permit(...none), null)
  assert.deepEqual(Object.keys(GROUP_MEANINGS), GROUP_NAMES)
  assert.deepEqual(
    GROUP_NAMES.filter((name) => GROUP_MEANINGS[name].alerts),
    ['Alert Manager'],
  )
})

test('API accesses are managed for providers and resellers, by administrators; viewers read them', () => {
  const reads = ['ListClients', 'GetClient']
  const listOfClients = (...caller: Parameters<typeof listPermitted>) =>
    listPermitted(...caller).filter((one) => /Clients?$/.test(one))
  for (const caller of [CLIENT, PERSON]) {
    for (const kind of ['provider', 'reseller'] as const) {
      const all = ['CreateClient', 'RotateClient', 'DeleteClient', ...reads]
      assert.deepEqual(listOfClients(caller, 'administrator', kind), all)
      assert.deepEqual(listOfClients(caller, 'viewer', kind), reads)
    }
    for (const permission of ['administrator', 'viewer'] as const)
      assert.deepEqual(listOfClients(caller, permission, 'customer'), [])
  }
})

test('docs/users.md says what the groups mean', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/users.md'), 'utf8')
  const verbs = { administrator: '`administrator`: manages', viewer: '`viewer`: reads' } as const
  for (const [name, { permission, alerts }] of Object.entries(GROUP_MEANINGS)) {
    const given = permission ? verbs[permission] : 'none of its own'
    assert.ok(page.includes(`\n| ${name} | ${given} | ${alerts ? 'yes' : 'no'} |\n`), name)
  }
})

/** Look-ups by ids that callers send. They must go through reach.ts, which applies the reach of the operation. */
const LOOK_UPS =
  /\bselect(Organization|OrganizationByPk|User|Tenant|TenantIncludingRemoved|Account|AccountIncludingRemoved|AccountByCanonicalId|AccountsOfUser|Client|WorkingClient)\b/g

/** Uses that cannot show anything to the caller. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // Whether the id of a new user is taken, by anyone in the store.
  'repeated-creates.ts': ['selectUser'],
  // The client that authenticates itself.
  'clients.ts': ['selectWorkingClient'],
  // The organization of a job, and the tenant of a customer within reach.
  'accounts-job.ts': ['selectOrganization'],
  'jobs/runner.ts': ['selectOrganizationByPk'],
  'imports/undo-job.ts': ['selectOrganizationByPk'],
  'following.ts': ['selectOrganization'],
  'tenant-accounts.ts': ['selectTenant'],
  // Whether a client within reach works.
  'explain/access.ts': ['selectWorkingClient'],
}

test('only reach.ts looks organizations, users, tenants, accounts and clients up by id', () => {
  const files = readdirSync(DIRECTORY, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  for (const file of files.filter((name) => name !== 'reach.ts')) {
    const used = new Set(readFileSync(join(DIRECTORY, file), 'utf8').match(LOOK_UPS))
    for (const name of EXCEPTIONS[file] ?? []) assert.ok(used.delete(name), `${file} no longer uses ${name}`)
    assert.deepEqual([...used], [], `${file} looks something up past its reach`)
  }
})
