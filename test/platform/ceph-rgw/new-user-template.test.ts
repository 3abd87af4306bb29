import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NewUserTemplate } from '../../../src/platform/ceph-rgw/new-user-template.ts'
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

function learn(body: object, made = UID): NewUserTemplate {
  const users = new NewUserTemplate()
  users.noteCreated(made)
  users.learn(body, UID)
  return users
}

test('what the gateway made of a new user is what the next one gets', () => {
  const record = learn(metadata()).find('acme$bob')
  assert.partialDeepStrictEqual(record, { user_id: 'acme$bob', max_buckets: 1000, keys: [] })
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
  test(`nothing is learnt from ${what}`, () => assert.equal(users.find('acme$bob'), undefined))

test('it is forgotten after a minute', () =>
  withClock(async (pass) => {
    const users = learn(metadata())
    pass(60_000)
    assert.notEqual(users.find('acme$bob'), undefined)
    pass(1)
    assert.equal(users.find('acme$bob'), undefined)
  }))
