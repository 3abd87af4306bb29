import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NewUserTemplate } from '../../../src/platform/ceph-rgw/users.ts'
import type { DesiredState } from '../../../src/platform/platform.ts'
import { withClock } from '../../support/clock.ts'

const UID = 'acme$ada'

/** The response of RGW 16.2 to GET /admin/metadata/user for a user that was created without keys. */
function metadata(change: object = {}, version = 1): object {
  const data = {
    user_id: UID,
    display_name: UID,
    email: '',
    suspended: 1,
    max_buckets: 1000,
    keys: [],
    caps: [],
    op_mask: 'read, write, delete',
    user_quota: { enabled: false, max_size: -1 },
    attrs: [],
    ...change,
  }
  return { key: `user:${UID}`, ver: { tag: '_x', ver: version }, data }
}

const BOB: DesiredState = {
  ...{ tenantId: 'acme', userId: 'bob', canonicalUserId: 'acme$bob', displayName: 'Bob' },
  ...{ status: 'active', purge: false },
  credentials: [
    { accessKey: 'ONE', secretKey: 'first', active: true },
    { accessKey: 'TWO', secretKey: 'second', active: false },
  ],
}

function learn(body: object, made = UID): NewUserTemplate {
  const users = new NewUserTemplate()
  users.noteCreated(made)
  users.learn(body, UID)
  return users
}

test('what the gateway made of a new user is what the next one gets', () => {
  const record = learn(metadata()).fill(BOB)
  assert.partialDeepStrictEqual(record, { user_id: 'acme$bob', max_buckets: 1000 })
})

test('the next one has its own name, status and active keys', () => {
  const users = learn(metadata())
  const keys = [{ user: 'acme$bob', access_key: 'ONE', secret_key: 'first', active: true }]
  assert.partialDeepStrictEqual(users.fill(BOB), { display_name: 'Bob', suspended: 0, keys })
  assert.deepEqual(users.fill(BOB)?.keys, keys)
  assert.equal(users.fill({ ...BOB, status: 'suspended' })?.suspended, 1)
})

const OTHERS: readonly (readonly [what: string, users: NewUserTemplate])[] = [
  ['a user that was changed since', learn(metadata({ max_buckets: 7 }, 2))],
  ['a user with caps', learn(metadata({ caps: [{ type: 'users', perm: '*' }] }))],
  ['an administrator', learn(metadata({ system: true }))],
  ['a user with something that is not known here', learn(metadata({ later: 'its own' }))],
  ['a user that was there before', learn(metadata(), 'acme$other')],
  ['a gateway that tells no version', learn({ ...metadata(), ver: undefined })],
]

for (const [what, users] of OTHERS)
  test(`nothing is learnt from ${what}`, () => assert.equal(users.fill(BOB), undefined))

test('it is forgotten after a minute', () =>
  withClock(async (pass) => {
    const users = learn(metadata())
    pass(60_000)
    assert.notEqual(users.fill(BOB), undefined)
    pass(1)
    assert.equal(users.fill(BOB), undefined)
  }))
