import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MinuteLimit, networkOf } from '../../src/api/limits.ts'

test('a key is within its limit until it has used it up, and again after a minute', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const limit = new MinuteLimit('client', 2, 'Too many.')
  assert.deepEqual(
    [limit.add('a'), limit.add('a'), limit.add('a'), limit.add('b')],
    [true, true, false, true],
  )
  assert.match(limit.refuse().message, /^Too many\. Wait 60 s\.$/)
  t.mock.timers.tick(59_999)
  assert.equal(limit.add('a'), false)
  t.mock.timers.tick(1)
  assert.equal(limit.add('a'), true)
})

test('0 stands for no limit', () => {
  const limit = new MinuteLimit('client', 0, '')
  for (let n = 0; n < 1_000; n++) assert.ok(limit.add('a'))
  limit.end()
})

test('so many keys are counted and no more', () => {
  const limit = new MinuteLimit('address', 1, '')
  for (let n = 0; n < 50_000; n++) limit.add(String(n))
  assert.equal(limit.used.size, 10_000)
  assert.equal(limit.add('49999'), false)
  limit.end()
})

const NETWORKS: readonly (readonly [address: string, network: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002:ffff::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['1:2:3::192.0.2.1', '1:2:3:0::/64'],
  ['unknown', 'unknown'],
]

for (const [address, network] of NETWORKS)
  test(`${address} counts as ${network}`, () => assert.equal(networkOf(address), network))
