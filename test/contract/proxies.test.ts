import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { createTenant } from './object-store.ts'
import { create, newUser } from './portal.ts'
import { type Target, useOwnTarget, useTarget } from './target.ts'

/** No proxy is trusted. */
const direct = useTarget()
/** The tests themselves are a proxy; there is another one in front of them. */
const proxied = useOwnTarget({ USHER_TRUSTED_PROXIES: '127.0.0.1, 198.51.100.0/24' })

/** Returns the address in the audit entry of a create that came with these forwarded addresses. */
async function addressOf(target: Target, forwarded?: string): Promise<string | null | undefined> {
  const correlation = randomUUID()
  const headers = {
    'x-correlation-id': correlation,
    'x-forwarded-for': forwarded,
    forwarded: 'for=192.0.2.99',
    'x-real-ip': '192.0.2.99',
  }
  assert.equal((await create(target, newUser(), { headers })).status, 201)
  const [entry] = await target.operator.listAudit(correlation)
  return entry?.address
}

test('without a trusted proxy, the source address is that of the connection, whatever headers say', async () => {
  assert.equal(await addressOf(direct), '127.0.0.1')
  for (const forwarded of ['192.0.2.7', '127.0.0.1, 192.0.2.7', '192.0.2.7, 127.0.0.1'])
    assert.equal(await addressOf(direct, forwarded), '127.0.0.1')
})

test('behind a trusted proxy, the source address is the one that the proxy adds', async () => {
  assert.equal(await addressOf(proxied), '127.0.0.1')
  assert.equal(await addressOf(proxied, '192.0.2.7'), '192.0.2.7')
  assert.equal(await addressOf(proxied, '2001:db8::7'), '2001:db8::7')
})

test('what a caller wrote into X-Forwarded-For before the proxy has no effect', async () => {
  assert.equal(await addressOf(proxied, '203.0.113.1, 192.0.2.7'), '192.0.2.7')
  assert.equal(await addressOf(proxied, '127.0.0.1, 192.0.2.7'), '192.0.2.7')
  assert.equal(await addressOf(proxied, '203.0.113.1, 192.0.2.7, 198.51.100.9'), '192.0.2.7')
})

test('a proxy may add the port of its peer', async () => {
  assert.equal(await addressOf(proxied, '192.0.2.7:4711'), '192.0.2.7')
  assert.equal(await addressOf(proxied, '203.0.113.1:80, 192.0.2.7:4711, 198.51.100.9:443'), '192.0.2.7')
  for (const forwarded of ['[2001:db8::7]:4711', '[2001:db8::7]'])
    assert.equal(await addressOf(proxied, forwarded), '2001:db8::7')
})

test('an IPv4 address has one form, also where it arrives as IPv6', async () => {
  assert.equal(await addressOf(proxied, '::ffff:192.0.2.7'), '192.0.2.7')
  const headers = {
    'x-forwarded-for': '::FFFF:192.0.2.8',
    'x-correlation-id': randomUUID(),
    authorization: 'Bearer x',
  }
  assert.equal((await create(proxied, newUser(), { headers })).status, 401)
  const line = proxied
    .log()
    .split('\n')
    .find((one) => one.includes(headers['x-correlation-id']))
  assert.equal(JSON.parse(line ?? '').address, '192.0.2.8')
})

test('what a trusted proxy forwards is ignored if it is no address', async () => {
  for (const forwarded of [
    'unknown',
    '192.0.2.7:',
    '[192.0.2.7',
    '999.0.2.7:4711',
    'x'.repeat(5_000),
    '192.0.2.1, _hidden',
    '',
  ])
    assert.equal(await addressOf(proxied, forwarded), '127.0.0.1')
})

test('a header for the host or the scheme changes no URL that Usher gives out', async () => {
  const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
  for (const target of [direct, proxied])
    for (const path of ['/.well-known/openid-configuration', '/api/info']) {
      const text = await (await fetch(target.url + path, { headers })).text()
      assert.ok(text.includes(target.url) && !text.includes('evil.example'), text)
    }
})

test('OSIS records the address that the proxy adds too', async () => {
  const name = `Acme ${randomUUID()}`
  const response = await createTenant(proxied, { name }, { 'x-forwarded-for': '192.0.2.8' })
  assert.equal(response.status, 201, response.text)
  const [entry] = await proxied.operator.listAudit(String(response.headers['x-correlation-id']))
  assert.equal(entry?.address, '192.0.2.8')
})
