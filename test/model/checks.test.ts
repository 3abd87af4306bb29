import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkNewAccount, type NewAccount } from '../../src/model/accounts.ts'
import { assertValid, DirectoryError } from '../../src/model/error.ts'
import { checkDomain, checkOrganizationName, foldDomain } from '../../src/model/organizations.ts'
import { checkNewTenant } from '../../src/model/tenants.ts'
import { checkNewUser, type NewUser } from '../../src/model/users.ts'

const USER: NewUser = { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com', groupIds: [] }
const ACCOUNT: NewAccount = {
  orgId: 'org',
  orgUserId: 'ada',
  username: 'ada',
  email: 'ada@example.com',
  role: 'TENANT_USER',
  active: true,
}
const LONG = 'a'.repeat(256)

const paths = (issues: readonly { path: string }[]): string[] => issues.map((issue) => issue.path)

test('a user with every member has no issues, nor has one whose members are all null', () => {
  assert.deepEqual(checkNewUser(USER), [])
  assert.deepEqual(checkNewUser({ firstName: null, lastName: null, email: null, groupIds: [] }), [])
  assert.deepEqual(checkNewUser({ ...USER, id: '0192F7C4-a6a8-7c3e-9d4b-5e6f7a8b9c0d' }), [])
})

test('every wrong member of a user is named', () => {
  const issues = checkNewUser({ id: 'x', firstName: LONG, lastName: '\u0000', email: 'x', groupIds: [] })
  assert.deepEqual(paths(issues), ['firstName', 'lastName', 'email', 'id'])
})

test('an empty e-mail address is refused', () => {
  assert.deepEqual(paths(checkNewUser({ ...USER, email: '' })), ['email'])
})

test('every wrong member of an account is named', () => {
  assert.deepEqual(checkNewAccount(ACCOUNT), [])
  const wrong = { ...ACCOUNT, orgId: '', orgUserId: LONG, username: '\ud800', email: 'x' }
  assert.deepEqual(paths(checkNewAccount(wrong)), ['orgId', 'orgUserId', 'username', 'email'])
})

test('every wrong member of a tenant is named', () => {
  assert.deepEqual(checkNewTenant({ name: 'Acme', orgIds: ['a', 'b'] }), [])
  assert.deepEqual(paths(checkNewTenant({ name: '', orgIds: ['a', '', LONG] })), [
    'name',
    'orgIds[1]',
    'orgIds[2]',
  ])
})

test('the name of an organization cannot be blank', () => {
  assert.deepEqual(checkOrganizationName('Acme'), [])
  for (const name of ['', ' ', '\t\n', LONG, '\u0000']) assert.equal(checkOrganizationName(name).length, 1)
})

test('a domain is compared without case, port and trailing dot', () => {
  assert.equal(foldDomain('Portal.Example'), 'portal.example')
  assert.equal(foldDomain('portal.example.'), 'portal.example')
  assert.equal(foldDomain('portal.example:8443'), 'portal.example')
  assert.equal(foldDomain('portal.example.:8443'), 'portal.example')
  assert.equal(checkDomain('Portal.Example:8443').length, 0)
  assert.equal(checkDomain('http://portal.example').length, 1)
})

test('one error carries all issues, and no issues mean no error', () => {
  assertValid([])
  const issues = checkNewUser({ ...USER, email: 'x', firstName: LONG })
  assert.throws(
    () => assertValid(issues),
    (error: Error) => {
      assert.ok(error instanceof DirectoryError)
      assert.equal(error.code, 'invalid')
      assert.deepEqual(error.issues, issues)
      assert.match(error.message, /firstName.*; email/)
      return true
    },
  )
})
