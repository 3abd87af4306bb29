import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ACCESS, isPermitted } from '../../src/directory/access.ts'
import type { Operation } from '../../src/model/audit.ts'
import type { Caller, Context, Permission } from '../../src/model/context.ts'
import type { OrganizationKind } from '../../src/model/organizations.ts'

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

test('a client that is an administrator manages users, and nothing else', () => {
  for (const kind of KINDS)
    assert.deepEqual(listPermitted(CLIENT, 'administrator', kind), [
      ...['CreateUser', 'ListUsers', 'ListGroups'],
      ...['GetInfo', 'IssueToken'],
    ])
})

test('a client that is a viewer may get a token, and do nothing with it', () => {
  for (const kind of KINDS) assert.deepEqual(listPermitted(CLIENT, 'viewer', kind), ['GetInfo', 'IssueToken'])
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
  assert.deepEqual(refused, ['IssueToken', 'CreateRefreshToken', 'RefreshToken'])
})

test('a person who administers a provider or a reseller manages users', () => {
  for (const kind of ['provider', 'reseller'] as const)
    assert.deepEqual(listPermitted(PERSON, 'administrator', kind), [
      ...['CreateUser', 'ListUsers', 'ListGroups', 'GetInfo'],
    ])
  for (const permission of ['viewer', 'osis'] as const)
    assert.deepEqual(listPermitted(PERSON, permission, 'provider'), [])
})

/** Look-ups by ids that callers send. They must go through reach.ts, which applies the reach of the operation. */
const LOOK_UPS =
  /\bselect(Organization|OrganizationByPk|User|Tenant|TenantIncludingRemoved|Account|AccountIncludingRemoved|AccountByCanonicalId|AccountsOfUser)\b/g

/** Uses that cannot show anything to the caller. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // Whether the id of a new user is taken, by anyone in the store.
  'users.ts': ['selectUser'],
}

test('only reach.ts looks organizations, users, tenants and accounts up by id', () => {
  const files = readdirSync(DIRECTORY, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  for (const file of files.filter((name) => name !== 'reach.ts')) {
    const used = new Set(readFileSync(join(DIRECTORY, file), 'utf8').match(LOOK_UPS))
    for (const name of EXCEPTIONS[file] ?? []) assert.ok(used.delete(name), `${file} no longer uses ${name}`)
    assert.deepEqual([...used], [], `${file} looks something up past its reach`)
  }
})
