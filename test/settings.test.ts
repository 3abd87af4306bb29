import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { listSettings } from '../src/config.ts'
import { SETTINGS } from '../src/settings.ts'
import { OPERATING, renewSettings } from './support/settings-table.ts'

test('the settings are listed with their effective value and where it comes from', async () => {
  const states = await listSettings({
    USHER_DATA_DIR: '/srv/usher',
    USHER_PORT: '0080',
    USHER_PUBLIC_URL: 'https://usher.example/',
    USHER_LOG_LEVEL: '',
  })
  assert.deepEqual(
    states.map(({ name }) => name),
    Object.values(SETTINGS).map(({ name }) => name),
  )
  const of = (name: string): unknown => {
    const { value, source } = states.find((one) => one.name === name) ?? {}
    return [value, source]
  }
  assert.deepEqual(of('USHER_PORT'), ['80', 'environment'])
  assert.deepEqual(of('USHER_PUBLIC_URL'), ['https://usher.example', 'environment'])
  assert.deepEqual(of('USHER_DATABASE_URL'), ['sqlite:/srv/usher/usher.db', 'default'])
  assert.deepEqual(of('USHER_LOG_LEVEL'), ['info', 'default'])
  assert.deepEqual(of('USHER_OSIS_AUTH'), ['basic,bearer', 'default'])
  assert.deepEqual(of('USHER_ISSUERS'), [null, 'absent'])
})

test('no list of the settings shows a secret', async () => {
  const secret = 'hunter2hunter2'
  const key = randomBytes(32).toString('base64')
  const issuer = {
    issuer: 'https://login.example',
    jwksUrl: `https://login.example/keys?token=${secret}&a=b`,
    audience: 'api://usher',
  }
  const states = await listSettings({
    USHER_CEPH_RGW_URL: 'https://rgw.example:7480',
    USHER_CEPH_RGW_ACCESS_KEY: secret,
    USHER_CEPH_RGW_SECRET_KEY: secret,
    USHER_MASTER_KEY: key,
    USHER_DATABASE_URL: `postgres://usher:${secret}@db.example:5432/usher?password=${secret}&sslmode=require`,
    USHER_PUBLIC_URL: `https://${secret}@usher.example`,
    USHER_ISSUERS: JSON.stringify([issuer]),
  })
  const text = JSON.stringify(states)
  assert.ok(!text.includes(secret) && !text.includes(key), text)
  assert.ok(text.includes('postgres://***@db.example:5432/usher?password=***&sslmode=require'))
  assert.deepEqual(
    states.filter(({ isSecret }) => isSecret).map(({ name }) => name),
    ['USHER_MASTER_KEY', 'USHER_CEPH_RGW_ACCESS_KEY', 'USHER_CEPH_RGW_SECRET_KEY'],
  )
})

test('docs/operating.md has the table of the settings; npm run settings writes it', () => {
  assert.equal(readFileSync(OPERATING, 'utf8'), renewSettings())
})
