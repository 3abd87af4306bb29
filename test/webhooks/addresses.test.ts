import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newAddressRule } from '../../src/webhooks/addresses.ts'

const INSIDE = [
  ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '10.1.2.3', '172.16.0.1', '172.31.255.255'],
  ...['192.168.1.1', '169.254.169.254', '100.64.0.1', '100.100.100.200', '192.0.0.192', '198.18.0.1'],
  ...['192.0.2.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255'],
  ...['192.88.99.1', '168.63.129.16'],
  ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1'],
  ...[
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:7f00:0001',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
  ],
  ...['::127.0.0.1', '::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '100::1'],
  ...['2002:7f00:1::', '2001::1', '2001:0:53aa:64c:0:fbff:80ff:fffe', '2001:db8::1', '3fff::1'],
  ...[
    '[::1]',
    '[::ffff:127.0.0.1]',
    '',
    'localhost',
    '127.1',
    '0x7f000001',
    '2130706433',
    'receiver.example',
  ],
]
const OUTSIDE = [
  ...['1.1.1.1', '9.9.9.9', '172.15.0.1', '172.32.0.1', '100.63.255.255', '100.128.0.0', '223.255.255.255'],
  ...[
    '2606:4700::1111',
    '2a00:1450:4001:830::200e',
    '2001:4860:4860::8888',
    '::ffff:1.1.1.1',
    '[2606:4700::1111]',
  ],
]

test('addresses inside a network are refused in every form, and those of the internet are permitted', () => {
  const rule = newAddressRule([])
  assert.deepEqual(
    INSIDE.filter((one) => rule.permits(one, false)),
    [],
  )
  assert.deepEqual(
    OUTSIDE.filter((one) => !rule.permits(one, false)),
    [],
  )
})

test('allowed networks are permitted, also in mapped form; plain http is permitted only there', () => {
  const rule = newAddressRule(['10.1.0.0/16', '192.168.1.7', 'fd00:1::/32'])
  for (const one of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.7', 'fd00:1::9'])
    assert.ok(rule.permits(one, true), one)
  for (const one of ['10.2.0.1', '192.168.1.8', 'fd00:2::9', '127.0.0.1'])
    assert.ok(!rule.permits(one, false), one)
  assert.deepEqual([rule.permits('1.1.1.1', false), rule.permits('1.1.1.1', true)], [true, false])
})
