import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  CEPH_RGW_OWNER_FORM,
  fromMetadata,
  hasState,
  quotaOf,
  shapeDisplayName,
  toAccount,
  toMetadata,
  toUid,
  type UserRecord,
  withState,
} from '../../../src/platform/ceph-rgw/users.ts'
import { type DesiredState, PlatformError } from '../../../src/platform/platform.ts'
import { anyCharacter } from '../../support/characters.ts'

const UID = 'acme_7f3k2m$5f0c1d9e'
const NO_QUOTA = { enabled: false, check_on_raw: false, max_size: -1, max_size_kb: 0, max_objects: -1 }

function newAccount(change: Partial<DesiredState> = {}): DesiredState {
  return {
    tenantId: 'acme_7f3k2m',
    userId: '5f0c1d9e',
    canonicalUserId: UID,
    displayName: 'Ada',
    status: 'active',
    purge: false,
    credentials: [{ accessKey: 'ONE', secretKey: 'first', active: true }],
    ...change,
  }
}

/** As GET /admin/metadata/user shows it in RGW 16.2, with a member that a later release may add. */
function newRecord(change: Partial<UserRecord> = {}): UserRecord {
  return {
    user_id: UID,
    display_name: 'Ada',
    email: '',
    suspended: 0,
    max_buckets: 7,
    keys: [{ user: UID, access_key: 'ONE', secret_key: 'first' }],
    caps: [],
    op_mask: 'read, write, delete',
    user_quota: { ...NO_QUOTA, enabled: true, max_size: 1_048_576 },
    later: { added: true },
    ...change,
  }
}

test('a record that has the account is left alone', () => {
  assert.equal(hasState(newRecord(), newAccount()), true)
  const off = { accessKey: 'TWO', secretKey: 'second', active: false }
  const { credentials } = newAccount()
  assert.equal(hasState(newRecord(), newAccount({ credentials: [...credentials, off] })), true)
})

test('a key whose secret is lost is left as it is, and not made up', () => {
  const lost = newAccount({
    status: 'suspended',
    credentials: [
      { accessKey: 'ONE', secretKey: null, active: true },
      { accessKey: 'TWO', secretKey: null, active: true },
    ],
  })
  const record = withState(newRecord(), lost)
  assert.equal(record.suspended, 1)
  assert.deepEqual(record.keys, newRecord().keys)
  assert.equal(hasState(record, lost), true)
})

const DIFFERENCES: readonly (readonly [what: string, record: UserRecord])[] = [
  ['another name', newRecord({ display_name: 'Bob' })],
  ['a suspension', newRecord({ suspended: 1 })],
  ['no key', newRecord({ keys: [] })],
  ['another secret', newRecord({ keys: [{ user: UID, access_key: 'ONE', secret_key: 'other' }] })],
  [
    'a disabled key',
    newRecord({ keys: [{ user: UID, access_key: 'ONE', secret_key: 'first', active: false }] }),
  ],
  ["a subuser's key", newRecord({ keys: [{ user: `${UID}:x`, access_key: 'ONE', secret_key: 'first' }] })],
  [
    'a key of an unknown hand',
    newRecord({
      keys: [
        { user: UID, access_key: 'ALIEN', secret_key: 'x' },
        { user: UID, access_key: 'ONE', secret_key: 'first' },
      ],
    }),
  ],
]

for (const [what, record] of DIFFERENCES) {
  test(`${what} in the record is put right, and nothing else is touched`, () => {
    assert.equal(hasState(record, newAccount()), false)
    const written = withState(record, newAccount())
    const { display_name, suspended, keys, ...rest } = newRecord()
    const { display_name: name, suspended: flag, keys: found, ...kept } = written
    assert.deepEqual([name, flag], [display_name, suspended])
    assert.partialDeepStrictEqual(found, keys)
    assert.equal((found as unknown[]).length, 1)
    assert.deepEqual(kept, rest)
    assert.equal(hasState(written, newAccount()), true)
  })
}

test('a key that stays goes back with all that RGW keeps of it; a new one says that it is active', () => {
  const kept = { user: UID, access_key: 'ONE', secret_key: 'first', active: true, create_date: '2026-11-24' }
  const added = { accessKey: 'TWO', secretKey: 'second', active: true }
  const account = newAccount({ credentials: [...newAccount().credentials, added] })
  assert.deepEqual(withState(newRecord({ keys: [kept] }), account).keys, [
    kept,
    { user: UID, access_key: 'TWO', secret_key: 'second', active: true },
  ])
})

test('an account shows its state and every key', () => {
  const keys = [
    { user: UID, access_key: 'ONE', secret_key: 'first' },
    { user: UID, access_key: 'TWO', secret_key: 'second', active: false },
  ]
  assert.deepEqual(toAccount(newRecord({ keys, suspended: 1 })), {
    status: 'suspended',
    displayName: 'Ada',
    keys: [
      { accessKey: 'ONE', secretKey: 'first', active: true },
      { accessKey: 'TWO', secretKey: 'second', active: false },
    ],
  })
})

test('a quota counts when it is on and has a size', () => {
  assert.equal(quotaOf(newRecord()), 1_048_576)
  assert.equal(quotaOf(newRecord({ user_quota: { ...NO_QUOTA, max_size: 1_048_576 } })), null)
  assert.equal(quotaOf(newRecord({ user_quota: { ...NO_QUOTA, enabled: true, max_objects: 5 } })), null)
})

test('metadata is read and written in its envelope, for the user that was asked for', () => {
  const record = newRecord()
  assert.deepEqual(fromMetadata(toMetadata(record, UID), UID), record)
  assert.throws(() => fromMetadata(toMetadata(record, UID), 'acme$other'), PlatformError)
})

test('a response of another shape is an error, and not an account', () => {
  for (const body of [null, [], {}, { data: [] }, { data: {} }, 'x'])
    assert.throws(() => fromMetadata(body, UID), PlatformError)
  for (const change of [{ keys: {} }, { keys: [null] }, { keys: [{}] }, { display_name: 5 }])
    assert.throws(() => toAccount(newRecord(change)), PlatformError)
  for (const user_quota of [null, {}, { max_size: '1' }])
    assert.throws(() => quotaOf(newRecord({ user_quota })))
})

test('an id that RGW would take for another user is refused', () => {
  assert.equal(toUid({ canonicalUserId: UID }), UID)
  for (const canonicalUserId of ['ada', '$ada', 'acme$', 'a$b$c', 'ac-me$ada', 'ac me$ada', ''])
    assert.throws(() => toUid({ canonicalUserId }), PlatformError)
})

test('any name whatever is shaped to one that RGW takes and XML can carry, once and for all', () => {
  const name = fc.oneof(
    fc.string({ unit: anyCharacter }),
    fc.string(),
    fc.constantFrom('', ' ', '\ud800', '\u0000\u0001'),
  )
  fc.assert(
    fc.property(name, (displayName) => {
      const shaped = shapeDisplayName({ displayName, canonicalUserId: UID })
      assert.notEqual(shaped.trim(), '')
      assert.ok(shaped.isWellFormed())
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      assert.doesNotMatch(shaped, /[\u0000-\u001f\u007f\ufffe\uffff]/)
      assert.equal(shapeDisplayName({ displayName: shaped, canonicalUserId: UID }), shaped)
    }),
  )
})

test('a name of ordinary characters stays as it is; one without any becomes the id', () => {
  for (const displayName of ['Zoë O’Neil @ acme; a:b', '<&>"%41+', 'a$b', '😀'.repeat(255)])
    assert.equal(shapeDisplayName({ displayName, canonicalUserId: UID }), displayName)
  for (const displayName of ['', '   ', '\t\n'])
    assert.equal(shapeDisplayName({ displayName, canonicalUserId: UID }), UID)
  assert.equal(shapeDisplayName({ displayName: '😀'.repeat(300), canonicalUserId: UID }), '😀'.repeat(255))
})

test('a canonical user id joins tenant and user', () => {
  assert.equal(CEPH_RGW_OWNER_FORM.toCanonicalId({ tenantId: 'acme_x', userId: 'u' }), 'acme_x$u')
  assert.deepEqual(CEPH_RGW_OWNER_FORM.fromCanonicalId('acme_x$u'), { tenantId: 'acme_x', userId: 'u' })
})

test('an id without tenant, without user, or with a third part is of another form', () => {
  for (const id of ['', 'admin', '$u', 'acme$', 'acme$oidc$sub'])
    assert.equal(CEPH_RGW_OWNER_FORM.fromCanonicalId(id), undefined, id)
})
