import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DesiredState, PlatformAccount } from '../../src/platform/platform.ts'
import { findDrift } from '../../src/provisioning/drift.ts'

const A = { accessKey: 'A', secretKey: 'secret a', active: true }
const B = { accessKey: 'B', secretKey: 'secret b', active: true }
const off = <T extends object>(key: T): T & { active: boolean } => ({ ...key, active: false })

const DESIRED: DesiredState = {
  tenantId: 'acme',
  userId: 'ada',
  canonicalUserId: 'acme$ada',
  displayName: 'Ada',
  status: 'active',
  purge: false,
  credentials: [A, B],
}
const PRESENT: PlatformAccount = { status: 'active', displayName: 'Ada', keys: [B, A] }

/** What differs, in words. */
const CASES: readonly (readonly [
  name: string,
  change: Partial<DesiredState>,
  present: Partial<PlatformAccount> | null,
  drift: readonly string[],
])[] = [
  ['the same in another order', {}, {}, []],
  ['no account', {}, null, ['missing']],
  ['no account where there should be none', { status: 'gone' }, null, []],
  ['an account where there should be none', { status: 'gone' }, { keys: [] }, ['present']],
  ['suspended by hand', {}, { status: 'suspended' }, ['suspended']],
  ['let in by hand', { status: 'suspended' }, {}, ['active']],
  ['suspended as desired', { status: 'suspended' }, { status: 'suspended' }, []],
  ['renamed', {}, { displayName: 'Eve' }, ['name']],
  ['a key removed', {}, { keys: [A] }, ['key_missing B']],
  ['a key disabled', {}, { keys: [A, off(B)] }, ['key_missing B']],
  ['a key added', { credentials: [A] }, {}, ['key_foreign B']],
  ['a disabled key that works', { credentials: [A, off(B)] }, {}, ['key_foreign B']],
  ['a disabled key that the platform has dropped', { credentials: [A, off(B)] }, { keys: [A] }, []],
  [
    'a disabled key that the platform keeps disabled',
    { credentials: [A, off(B)] },
    { keys: [A, off(B)] },
    [],
  ],
  ['a foreign key that does not work', { credentials: [A] }, { keys: [A, off(B)] }, []],
  ['another secret', {}, { keys: [A, { ...B, secretKey: 'other' }] }, ['key_differs B']],
  ['a lost secret', { credentials: [A, { ...B, secretKey: null }] }, {}, ['secret_lost B']],
  [
    'a lost secret and no key',
    { credentials: [A, { ...B, secretKey: null }] },
    { keys: [A] },
    ['secret_lost B'],
  ],
  [
    'everything at once',
    {},
    {
      status: 'suspended',
      displayName: 'Eve',
      keys: [
        { ...A, secretKey: 'x' },
        { ...B, accessKey: 'C' },
      ],
    },
    ['suspended', 'name', 'key_missing B', 'key_differs A', 'key_foreign C'],
  ],
]

for (const [name, change, present, expected] of CASES)
  test(`${name}: ${expected.join(', ') || 'no drift'}`, () => {
    const drift = findDrift({ ...DESIRED, ...change }, 'Ada', present && { ...PRESENT, ...present })
    const said = drift.map(({ kind, accessKey }) => (accessKey === null ? kind : `${kind} ${accessKey}`))
    assert.deepEqual(said, expected)
    assert.doesNotMatch(JSON.stringify(drift), /secret [ab]/)
  })
