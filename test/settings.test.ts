import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ConfigError, listSettings } from '../src/config.ts'
import { SETTINGS, type Setting } from '../src/settings.ts'
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
    USHER_CONSOLE_ISSUER: 'https://login.example',
    USHER_CONSOLE_CLIENT_ID: 'usher',
    USHER_CONSOLE_CLIENT_SECRET: secret,
    USHER_DATABASE_URL: `postgres://usher:${secret}@db.example:5432/usher?password=${secret}&sslmode=require`,
    USHER_OSIS_CONSOLE_URL: `https://console.example/?token=${secret}`,
    USHER_ISSUERS: JSON.stringify([issuer]),
  })
  const text = JSON.stringify(states)
  assert.ok(!text.includes(secret) && !text.includes(key), text)
  assert.ok(text.includes('postgres://***@db.example:5432/usher?password=***&sslmode=require'))
  assert.deepEqual(
    states.filter(({ isSecret }) => isSecret).map(({ name }) => name),
    [
      'USHER_MASTER_KEY',
      ...['USHER_CONSOLE_CLIENT_SECRET', 'USHER_CONSOLE_CLIENT_SECRET_FILE'],
      ...['USHER_CEPH_RGW_ACCESS_KEY', 'USHER_CEPH_RGW_SECRET_KEY'],
    ],
  )
})

test('a password with blanks and quotes is hidden too', async () => {
  for (const password of ['hunter 2', 'hunter"2', "hunter'2", 'hunter%22', 'hünter2']) {
    const states = await listSettings({ USHER_DATABASE_URL: `postgres://usher:${password}@db.example/usher` })
    const value = states.find(({ name }) => name === 'USHER_DATABASE_URL')?.value
    assert.equal(value, 'postgres://***@db.example/usher')
  }
})

/** Values of URL-like settings, with the form that is kept. */
const KEPT: readonly (readonly [name: string, value: string, kept: string])[] = [
  ['USHER_HOST', '[::1]', '::1'],
  ['USHER_HOST', ' 0.0.0.0 ', '0.0.0.0'],
  ['USHER_HOST', 'Usher-1.Example', 'usher-1.example'],
  ['USHER_HOST', 'bücher.example', 'xn--bcher-kva.example'],
  ['USHER_HOST', 'my_host', 'my_host'],
  ['USHER_METRICS_HOST', '[2001:DB8::1]', '2001:db8::1'],
  ['USHER_PORT', '0080', '80'],
  ['USHER_DATA_DIR', '/srv/usher//', '/srv/usher'],
  ['USHER_DATA_DIR', '/', '/'],
  ['USHER_MASTER_KEY_FILE', '/run/my key', '/run/my key'],
  ['USHER_DATABASE_URL', 'sqlite:///srv/usher.db', 'sqlite:/srv/usher.db'],
  ['USHER_DATABASE_URL', ' sqlite:usher.db ', 'sqlite:usher.db'],
  ['USHER_DATABASE_URL', 'postgres://db.example/usher ', 'postgres://db.example/usher'],
  ['USHER_PUBLIC_URL', 'HTTPS://Usher.Example:443/Base//', 'https://usher.example/Base'],
  ['USHER_PUBLIC_URL', ' https://usher.example ', 'https://usher.example'],
  ['USHER_PUBLIC_URL', 'https://bücher.example/ü', 'https://xn--bcher-kva.example/%C3%BC'],
  ['USHER_PUBLIC_URL', 'https://usher.example/a/../b/', 'https://usher.example/b'],
  ['USHER_PUBLIC_URL', 'http://[::1]:8080', 'http://[::1]:8080'],
  ['USHER_CEPH_RGW_URL', 'https://RGW.example:443/', 'https://rgw.example'],
  ['USHER_CEPH_RGW_S3_URL', 'https://S3.example/', 'https://s3.example'],
  ['USHER_OSIS_PREFIX', '/osis/', '/osis'],
  [
    'USHER_OSIS_CONSOLE_URL',
    'https://Ceph.example/{lang}/a b?tenant={tenant_id}#/{lang}',
    'https://ceph.example/{lang}/a%20b?tenant={tenant_id}#/{lang}',
  ],
]

const RGW = {
  USHER_CEPH_RGW_URL: 'https://rgw.example',
  USHER_CEPH_RGW_ACCESS_KEY: 'ACCESS',
  USHER_CEPH_RGW_SECRET_KEY: 'SECRET',
}

test('the text of every setting is parsed', () => {
  for (const { name, parse } of Object.values<Setting>(SETTINGS))
    assert.notEqual(parse, String, `${name} takes any text`)
})

for (const [name, value, kept] of KEPT)
  test(`${name}=${value} is kept as ${kept}`, async () => {
    const states = await listSettings({ ...RGW, [name]: value })
    assert.equal(states.find((one) => one.name === name)?.value, kept)
  })

const BAD_URLS = [
  ' ',
  'usher.example',
  'ftp://usher.example',
  'https://',
  'https://me@usher.example',
  'https://me:hunter2@usher.example',
  'https://usher.example?',
  'https://usher.example/?a=hunter2',
  'https://usher.example#',
  'https://usher.example/#hunter2',
  'https://usher.example:0',
  'https://usher.example:65536',
  'https://usher.example:x',
  'https://usher\n.example',
  'https://usher.example/\u0000',
  'https://us her.example',
  'https://a\u200db.example',
]
const BAD_HOSTS = [
  ' ',
  'http://usher.example',
  'usher.example:80',
  '1.2.3.4:80',
  '*',
  'a b',
  'a/b',
  '-a',
  '[::1]:80',
]
const BAD_PATHS = [' ', '\t', 'a\nb', 'a\u0000', ' /srv', '/srv ', '~/usher', '~']

/** Values that would not survive their use. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  USHER_HOST: BAD_HOSTS,
  USHER_METRICS_HOST: BAD_HOSTS,
  USHER_DATA_DIR: BAD_PATHS,
  USHER_MASTER_KEY_FILE: BAD_PATHS,
  USHER_OSIS_S3_CAPABILITIES: BAD_PATHS,
  USHER_PUBLIC_URL: [...BAD_URLS, 'http://0.0.0.0:8080', 'http://[::]'],
  USHER_CEPH_RGW_URL: [...BAD_URLS, 'https://rgw.example/admin'],
  USHER_CEPH_RGW_S3_URL: BAD_URLS,
  USHER_OSIS_CONSOLE_URL: [
    ...BAD_URLS.filter((url) => !/[?#]/.test(url)),
    'https://{tenant_id}.example',
    'https://x/{tenant_id',
  ],
  USHER_OSIS_PREFIX: [' ', '/osis?', '/osis#', '/a/../v1', '/.', '//osis', '/osis\n'],
}

for (const [name, values] of Object.entries(REFUSED))
  test(`${name} is refused when it would not survive its use`, async () => {
    for (const value of values)
      await assert.rejects(
        listSettings({ ...RGW, [name]: value }),
        (error: Error) => {
          assert.ok(error instanceof ConfigError, `${JSON.stringify(value)}: ${error}`)
          assert.equal(error.problems.length, 1)
          assert.ok(error.message.startsWith(`${name} m`), error.message)
          assert.doesNotMatch(error.message, /hunter2/)
          return true
        },
        JSON.stringify(value),
      )
  })

test('docs/operating.md has the table of the settings; npm run settings writes it', () => {
  assert.equal(readFileSync(OPERATING, 'utf8'), renewSettings())
})
