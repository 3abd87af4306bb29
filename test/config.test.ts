import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../src/config.ts'
import { LOG_LEVELS } from '../src/setting-values.ts'

const KEY = randomBytes(32)
const ISSUER = {
  issuer: 'https://login.example',
  jwksUrl: 'https://login.example/keys',
  audience: 'api://usher',
}

const CEPH_RGW = {
  USHER_CEPH_RGW_URL: 'https://rgw.example:7480/',
  USHER_CEPH_RGW_ACCESS_KEY: 'ACCESS',
  USHER_CEPH_RGW_SECRET_KEY: 'se/cr+et=',
}

/** Returns the problems of a wrong environment, one line each. */
async function problemsOf(env: Record<string, string>): Promise<readonly string[]> {
  try {
    await readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

test('an empty environment gives the documented defaults', async () => {
  assert.deepEqual(await readConfig({}), {
    host: '127.0.0.1',
    port: 8080,
    dataDir: './data',
    databaseUrl: 'sqlite:./data/usher.db',
    databaseAllowDataLoss: false,
    publicUrl: null,
    trustedProxies: [],
    metrics: null,
    rateLimits: { requestsPerMinute: 1_000_000, failuresPerMinute: 300 },
    masterKeys: null,
    masterKeyFile: './data/master.key',
    logLevel: 'info',
    issuers: [],
    cephRgw: null,
    openId: null,
    webhooks: { networks: [], retryMs: 86_400_000 },
    osis: { authModes: ['basic', 'bearer'], prefix: '', s3CapabilitiesFile: null, consoleUrl: null },
  })
})

test('every setting is taken from its variable', async () => {
  const config = await readConfig({
    USHER_HOST: '::1',
    USHER_PORT: '0',
    USHER_DATA_DIR: '/srv/usher',
    USHER_DATABASE_URL: 'sqlite:/srv/other.db',
    USHER_DATABASE_ALLOW_DATA_LOSS: 'true',
    USHER_PUBLIC_URL: 'https://usher.example/base/',
    USHER_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::/32,192.0.2.1',
    USHER_METRICS_PORT: '9464',
    USHER_METRICS_HOST: '10.0.0.1',
    USHER_REQUESTS_PER_MINUTE: '600',
    USHER_FAILURES_PER_MINUTE: '0',
    USHER_MASTER_KEY: KEY.toString('base64'),
    USHER_MASTER_KEY_FILE: '/run/secrets/key',
    USHER_LOG_LEVEL: 'debug',
    USHER_ISSUERS: JSON.stringify([{ ...ISSUER, algorithms: ['PS256'] }]),
    ...CEPH_RGW,
    USHER_CEPH_RGW_S3_URL: 'https://s3.example/',
    USHER_WEBHOOK_NETWORKS: '10.1.0.0/16',
    USHER_WEBHOOK_RETRY_HOURS: '2',
    USHER_OSIS_AUTH: 'bearer',
    USHER_OSIS_PREFIX: '/osis/v9/',
    USHER_OSIS_S3_CAPABILITIES: '/etc/usher/s3.json',
    USHER_OSIS_CONSOLE_URL: 'https://ceph.example/#/{lang}?tenant={tenant_id}',
  })
  assert.deepEqual(config, {
    host: '::1',
    port: 0,
    dataDir: '/srv/usher',
    databaseUrl: 'sqlite:/srv/other.db',
    databaseAllowDataLoss: true,
    publicUrl: 'https://usher.example/base',
    trustedProxies: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'],
    metrics: { host: '10.0.0.1', port: 9464 },
    rateLimits: { requestsPerMinute: 600, failuresPerMinute: 0 },
    masterKeys: [KEY],
    masterKeyFile: '/run/secrets/key',
    logLevel: 'debug',
    issuers: [{ ...ISSUER, algorithms: ['PS256'] }],
    openId: null,
    cephRgw: {
      url: 'https://rgw.example:7480',
      accessKey: 'ACCESS',
      secretKey: 'se/cr+et=',
      s3Url: 'https://s3.example',
    },
    webhooks: { networks: ['10.1.0.0/16'], retryMs: 7_200_000 },
    osis: {
      authModes: ['bearer'],
      prefix: '/osis/v9',
      s3CapabilitiesFile: '/etc/usher/s3.json',
      consoleUrl: 'https://ceph.example/#/{lang}?tenant={tenant_id}',
    },
  })
})

test('users reach S3 at the gateway itself, unless another URL is given', async () => {
  assert.equal((await readConfig(CEPH_RGW)).cephRgw?.s3Url, 'https://rgw.example:7480')
})

test('a Ceph RGW needs a URL and both keys', async () => {
  const names = ['USHER_CEPH_RGW_URL', 'USHER_CEPH_RGW_ACCESS_KEY', 'USHER_CEPH_RGW_SECRET_KEY']
  for (const name of names) {
    const [problem, ...others] = await problemsOf({ ...CEPH_RGW, [name]: '' })
    assert.match(problem ?? '', new RegExp(`^${name} must be set too: a Ceph RGW needs`))
    assert.deepEqual(others, [])
  }
  assert.match(
    (await problemsOf({ USHER_CEPH_RGW_S3_URL: 'https://s3.example' }))[0] ?? '',
    new RegExp(names.join(', ')),
  )
})

test('wrong settings of a Ceph RGW are refused, once each, without repeating a secret', async () => {
  const wrong: [name: string, value: string][] = [
    ['USHER_CEPH_RGW_URL', 'rgw.example'],
    ['USHER_CEPH_RGW_URL', 'ftp://rgw.example'],
    ['USHER_CEPH_RGW_URL', 'https://rgw.example/admin'],
    ['USHER_CEPH_RGW_URL', 'https://rgw.example?hunter2'],
    ['USHER_CEPH_RGW_URL', 'https://admin:hunter2@rgw.example'],
    ['USHER_CEPH_RGW_ACCESS_KEY', 'hunter2 '],
    ['USHER_CEPH_RGW_SECRET_KEY', 'hunter2\n'],
    ['USHER_CEPH_RGW_S3_URL', 's3.example'],
  ]
  for (const [name, value] of wrong) {
    const [problem = '', ...others] = await problemsOf({ ...CEPH_RGW, [name]: value })
    assert.ok(problem.startsWith(`${name} must be `), problem)
    assert.doesNotMatch(problem, /hunter2/)
    assert.deepEqual(others, [])
  }
})

test('ways to authenticate may be in any order, with blanks', async () => {
  for (const text of ['basic,bearer', 'bearer, basic', 'basic,basic,bearer'])
    assert.deepEqual((await readConfig({ USHER_OSIS_AUTH: text })).osis.authModes, ['basic', 'bearer'])
})

test('the store and the master key move with the data directory', async () => {
  const { databaseUrl, masterKeyFile } = await readConfig({ USHER_DATA_DIR: '/srv/usher' })
  assert.equal(databaseUrl, 'sqlite:/srv/usher/usher.db')
  assert.equal(masterKeyFile, '/srv/usher/master.key')
})

test('an issuer that names no algorithms may use RS256 and ES256', async () => {
  const { issuers } = await readConfig({ USHER_ISSUERS: JSON.stringify([ISSUER]) })
  assert.deepEqual(issuers[0]?.algorithms, ['RS256', 'ES256'])
})

test('an issuer may say what names its clients, and what proves a machine', async () => {
  const issuer = {
    ...ISSUER,
    audience: null,
    clientClaim: 'cid',
    machine: { gty: 'client-credentials', sub: { pattern: '[a-z]+@clients' }, azp: { sameAs: 'client_id' } },
  }
  const { issuers } = await readConfig({ USHER_ISSUERS: JSON.stringify([issuer]) })
  assert.deepEqual(issuers, [{ ...issuer, algorithms: ['RS256', 'ES256'] }])
  assert.ok(Object.isFrozen(issuers[0]?.machine), 'the conditions can be changed')
})

test('Usher is no external issuer of its own', async () => {
  const env = { USHER_PUBLIC_URL: `${ISSUER.issuer}/`, USHER_ISSUERS: JSON.stringify([ISSUER]) }
  assert.deepEqual(await problemsOf(env), ['USHER_ISSUERS [0].issuer is USHER_PUBLIC_URL: leave it out'])
})

test('an empty variable counts as absent', async () => {
  const names = [
    'HOST',
    'PORT',
    'DATA_DIR',
    'DATABASE_URL',
    'PUBLIC_URL',
    'MASTER_KEY',
    'MASTER_KEY_FILE',
    'TRUSTED_PROXIES',
  ]
  const ceph = ['URL', 'ACCESS_KEY', 'SECRET_KEY', 'S3_URL'].map((name) => `CEPH_RGW_${name}`)
  const osis = ['OSIS_AUTH', 'OSIS_PREFIX', 'OSIS_S3_CAPABILITIES', 'OSIS_CONSOLE_URL']
  const empty = [...names, 'LOG_LEVEL', 'ISSUERS', ...ceph, ...osis].map((name) => [`USHER_${name}`, ''])
  assert.deepEqual(await readConfig(Object.fromEntries(empty)), await readConfig({}))
})

test('the settings are frozen, also inside', async () => {
  const config = await readConfig({ USHER_ISSUERS: JSON.stringify([ISSUER]) })
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.trustedProxies))
  assert.ok(Object.isFrozen(config.issuers), 'the list of issuers can be changed')
  assert.ok(Object.isFrozen(config.issuers[0]), 'an issuer can be changed')
  assert.ok(Object.isFrozen(config.osis) && Object.isFrozen(config.osis.authModes))
})

test('every log level is accepted', async () => {
  for (const level of LOG_LEVELS) assert.equal((await readConfig({ USHER_LOG_LEVEL: level })).logLevel, level)
})

test('every port from 0 to 65535 is accepted', async () => {
  for (const port of [0, 1, 8080, 65535])
    assert.equal((await readConfig({ USHER_PORT: String(port) })).port, port)
})

const issuers = (change: object): string => JSON.stringify([{ ...ISSUER, ...change }])

const WRONG: readonly (readonly [name: string, value: string, message: RegExp])[] = [
  ['USHER_PORT', '65536', /port number/],
  ['USHER_PORT', '-1', /port number/],
  ['USHER_PORT', '80.5', /port number/],
  ['USHER_PORT', '0x50', /port number/],
  ['USHER_PORT', ' 80', /port number/],
  ['USHER_PORT', 'http', /port number/],
  ['USHER_DATABASE_URL', 'mysql://localhost/usher', /sqlite:<path>/],
  ['USHER_DATABASE_URL', 'sqlite:', /sqlite:<path>/],
  ['USHER_DATABASE_URL', 'postgres://host:port/usher', /postgres:\/\/user:password@host:port/],
  ['USHER_DATABASE_ALLOW_DATA_LOSS', 'yes', /must be true or false, not 'yes'/],
  ['USHER_DATABASE_URL', '/srv/usher.db', /sqlite:<path>/],
  ['USHER_PUBLIC_URL', 'usher.example', /http or https URL/],
  ['USHER_PUBLIC_URL', 'ftp://usher.example', /http or https URL/],
  ['USHER_METRICS_PORT', '65536', /port number/],
  ['USHER_REQUESTS_PER_MINUTE', '-1', /whole number/],
  ['USHER_REQUESTS_PER_MINUTE', '1e6', /whole number/],
  ['USHER_FAILURES_PER_MINUTE', 'none', /whole number/],
  ['USHER_TRUSTED_PROXIES', 'proxy.example', /IP addresses or ranges such as .* not 'proxy.example'/],
  ['USHER_TRUSTED_PROXIES', '10.0.0.1,', /IP addresses or ranges/],
  ['USHER_TRUSTED_PROXIES', '10.0.0.0/33', /IP addresses or ranges/],
  ['USHER_TRUSTED_PROXIES', '0.0.0.0/0', /IP addresses or ranges/],
  ['USHER_TRUSTED_PROXIES', '::/0', /IP addresses or ranges/],
  ['USHER_TRUSTED_PROXIES', '10.0.0.0/8/8', /IP addresses or ranges/],
  ['USHER_MASTER_KEY', 'short', /32 bytes in base64/],
  ['USHER_MASTER_KEY', randomBytes(33).toString('base64'), /32 bytes in base64/],
  ['USHER_LOG_LEVEL', 'loud', /fatal, error, warn, info/],
  ['USHER_LOG_LEVEL', 'INFO', /fatal, error, warn, info/],
  ['USHER_ISSUERS', '{', /must be JSON/],
  ['USHER_ISSUERS', '{}', /JSON array/],
  ['USHER_ISSUERS', '[null]', /\[0\] must be a JSON object/],
  ['USHER_ISSUERS', '[1]', /\[0\] must be a JSON object/],
  ['USHER_ISSUERS', issuers({ issuer: '' }), /\[0\]\.issuer must not be empty/],
  ['USHER_ISSUERS', issuers({ audience: undefined }), /\[0\]\.audience is missing/],
  ['USHER_ISSUERS', issuers({ jwksUrl: 'keys' }), /\[0\]\.jwksUrl must be an https URL/],
  ['USHER_ISSUERS', issuers({ jwksUrl: 'file:///etc/keys' }), /\[0\]\.jwksUrl must be an https URL/],
  ['USHER_ISSUERS', issuers({ algorithms: [] }), /\[0\]\.algorithms must not be empty/],
  ['USHER_ISSUERS', issuers({ algorithms: 'RS256' }), /\[0\]\.algorithms must be a JSON array/],
  ['USHER_ISSUERS', issuers({ algorithms: ['HS256'] }), /\[0\]\.algorithms\[0\] must be one of RS256/],
  ['USHER_ISSUERS', issuers({ algorithms: ['none'] }), /\[0\]\.algorithms\[0\] must be one of RS256/],
  ['USHER_ISSUERS', issuers({ issuer: ' https://login.example' }), /must not begin or end with a blank/],
  ['USHER_ISSUERS', issuers({ audience: '' }), /\[0\]\.audience must not be empty/],
  ['USHER_ISSUERS', issuers({ audience: 5 }), /\[0\]\.audience must be a string or null/],
  ['USHER_ISSUERS', issuers({ jwksUrl: 'https://me:pw@login.example/keys' }), /without a user/],
  ['USHER_ISSUERS', issuers({ jwksUrl: 'https://login.example/keys#x' }), /without a user and a fragment/],
  ['USHER_ISSUERS', issuers({ clientClaim: '' }), /\[0\]\.clientClaim must not be empty/],
  ['USHER_ISSUERS', issuers({ clientClaim: ['cid'] }), /\[0\]\.clientClaim must be a string/],
  ['USHER_ISSUERS', issuers({ clientClaim: 'sub' }), /\[0\]\.machine is missing: sub names people too/],
  ['USHER_ISSUERS', issuers({ machine: null }), /\[0\]\.machine must be a JSON object/],
  ['USHER_ISSUERS', issuers({ machine: {} }), /\[0\]\.machine must have a condition/],
  [
    'USHER_ISSUERS',
    issuers({ machine: { gty: '' } }),
    /\[0\]\.machine\.gty must be a text that is not empty/,
  ],
  ['USHER_ISSUERS', issuers({ machine: { gty: ['a'] } }), /\[0\]\.machine\.gty must be a text/],
  ['USHER_ISSUERS', issuers({ machine: { app: true } }), /\[0\]\.machine\.app must be a text/],
  [
    'USHER_ISSUERS',
    issuers({ machine: { 'https://x/y': {} } }),
    /\[0\]\.machine\.https:\/\/x\/y must be a text/,
  ],
  ['USHER_ISSUERS', issuers({ machine: { gty: { pattern: 'a', sameAs: 'b' } } }), /\.gty must be a text/],
  [
    'USHER_ISSUERS',
    issuers({ machine: { sub: { pattern: '(' } } }),
    /\.sub has a pattern that is not a regular/,
  ],
  [
    'USHER_ISSUERS',
    issuers({ machine: { sub: { pattern: 'a)|(?:b' } } }),
    /\.sub has a pattern that is not a/,
  ],
  [
    'USHER_ISSUERS',
    issuers({ machine: { sub: { pattern: '' } } }),
    /\.sub has a pattern that matches the empty/,
  ],
  [
    'USHER_ISSUERS',
    issuers({ machine: { sub: { pattern: '.*' } } }),
    /\.sub has a pattern that matches the empty/,
  ],
  ['USHER_ISSUERS', issuers({ machine: { sub: { sameAs: 'sub' } } }), /\.sub is compared with itself/],
  ['USHER_ISSUERS', issuers({ machine: { cid: 'app' } }), /\.cid proves nothing: .* use clientClaim/],
  ['USHER_ISSUERS', issuers({ machine: { cid: { pattern: '0oa.+' } } }), /\.cid proves nothing/],
  ['USHER_ISSUERS', issuers({ machine: { cid: { sameAs: 'sub' } } }), /\.cid proves nothing/],
  ['USHER_ISSUERS', issuers({ machine: { azp: 'app' } }), /\.azp proves nothing/],
  ['USHER_ISSUERS', issuers({ machine: { client_id: { pattern: '.+' } } }), /\.client_id proves nothing/],
  ['USHER_ISSUERS', issuers({ machine: { azp: { sameAs: 'cid' } } }), /\.azp proves nothing/],
  ['USHER_ISSUERS', issuers({ machine: { azp: { sameAs: 'aud' } } }), /\.azp proves nothing/],
  [
    'USHER_ISSUERS',
    issuers({ machine: { iss: 'https://x' } }),
    /\.iss proves nothing: tokens of people have/,
  ],
  ['USHER_ISSUERS', issuers({ machine: { aud: { pattern: 'a.+' } } }), /\.aud proves nothing/],
  ['USHER_ISSUERS', issuers({ machine: { aud: { sameAs: 'azp' } } }), /\.aud proves nothing/],
  ['USHER_ISSUERS', issuers({ machine: { token_use: 'access' } }), /\.token_use proves nothing/],
  ['USHER_ISSUERS', issuers({ machine: { typ: 'Bearer' } }), /\.typ proves nothing/],
  ['USHER_ISSUERS', JSON.stringify([ISSUER, ISSUER]), /\[1\]\.issuer is the same as \[0\]\.issuer/],
  ['USHER_ISSUERS', issuers({ jwks_url: 'x' }), /\[0\]\.jwks_url is not a member/],
  ['USHER_ISSUERS', JSON.stringify([ISSUER, { ...ISSUER, issuer: 1 }]), /\[1\]\.issuer must be a string/],
  ['USHER_OSIS_AUTH', 'digest', /basic, bearer or basic,bearer/],
  ['USHER_OSIS_AUTH', 'basic,', /basic, bearer or basic,bearer/],
  ['USHER_OSIS_AUTH', 'Basic', /basic, bearer or basic,bearer/],
  ['USHER_OSIS_PREFIX', 'osis', /a path such as/],
  ['USHER_OSIS_PREFIX', '/', /a path such as/],
  ['USHER_OSIS_PREFIX', '/a b', /a path such as/],
  ['USHER_OSIS_PREFIX', '/:id', /a path such as/],
  ['USHER_OSIS_PREFIX', '/v1', /a path that Usher serves itself/],
  ['USHER_OSIS_PREFIX', '/docs/osis', /a path that Usher serves itself/],
  ['USHER_OSIS_CONSOLE_URL', 'console', /http or https URL/],
  ['USHER_OSIS_CONSOLE_URL', 'https://x/{tenant}', /not \{tenant\}/],
  ['USHER_DATADIR', '/srv', /is not a setting of Usher/],
  ['USHER_port', '1', /is not a setting of Usher/],
]

for (const [name, value, message] of WRONG) {
  test(`${name}=${value} is refused with one clear message`, async () => {
    const problems = await problemsOf({ [name]: value })
    assert.equal(problems.length, 1)
    assert.ok(problems[0]?.startsWith(`${name} `), `the message does not begin with the name: ${problems[0]}`)
    assert.match(problems[0] ?? '', message)
  })
}

test('all wrong settings are named at once, each in its own line', async () => {
  const env = {
    USHER_PORT: 'x',
    USHER_DATABASE_URL: 'x',
    USHER_PUBLIC_URL: 'x',
    USHER_MASTER_KEY: 'x',
    USHER_LOG_LEVEL: 'x',
    USHER_ISSUERS: 'x',
    USHER_UNKNOWN: 'x',
  }
  const named = (await problemsOf(env)).map((problem) => problem.split(' ')[0])
  assert.deepEqual(named.sort(), Object.keys(env).sort())
  await assert.rejects(
    () => readConfig(env),
    (error: Error) => error.message.split('\n').length === 7,
  )
})

test('settings of other programs are ignored', async () => {
  assert.deepEqual(await readConfig({ PATH: '/bin', USHERETTE: '1', NODE_ENV: 'test' }), await readConfig({}))
})

test('a wrong master key is not repeated in the message', async () => {
  const secret = randomBytes(24).toString('base64')
  const problems = await problemsOf({ USHER_MASTER_KEY: secret })
  assert.equal(problems.length, 1)
  assert.ok(!problems.join().includes(secret))
})

test('several master keys are separated by commas, and a wrong one is named by its position alone', async () => {
  const keys = [randomBytes(32), randomBytes(32)]
  const texts = keys.map((key) => key.toString('base64'))
  assert.deepEqual((await readConfig({ USHER_MASTER_KEY: texts.join(', ') })).masterKeys, keys)
  const short = randomBytes(31).toString('base64')
  const wrong = [
    [[...texts, short], /key 3 has 31 bytes$/],
    [[...texts, ''], /key 3 has 0 bytes$/],
    [[...texts, texts[0]], /key 3 is the same as key 1$/],
  ] as const
  for (const [list, message] of wrong) {
    const [problem = '', ...others] = await problemsOf({ USHER_MASTER_KEY: list.join() })
    assert.deepEqual(others, [])
    assert.match(problem, message)
    for (const secret of [...texts, short]) assert.ok(!problem.includes(secret))
  }
})

test('every wrong member of an issuer is named, each in its own line', async () => {
  const wrong = JSON.stringify([
    ISSUER,
    { ...ISSUER, issuer: '', jwksUrl: 'http://login.example/keys', x: 1 },
  ])
  assert.deepEqual(
    (await problemsOf({ USHER_ISSUERS: wrong }))
      .map((problem) => problem.split(' ').slice(0, 2).join(' '))
      .sort(),
    ['USHER_ISSUERS [1].issuer', 'USHER_ISSUERS [1].jwksUrl', 'USHER_ISSUERS [1].x'],
  )
})

const OPEN_ID = {
  USHER_CONSOLE_ISSUER: 'https://login.example/tenant/',
  USHER_CONSOLE_CLIENT_ID: 'usher',
  USHER_CONSOLE_CLIENT_SECRET: 's3cret',
}

test('an OpenID provider needs its issuer, an id and one secret', async () => {
  const { openId } = await readConfig(OPEN_ID)
  const expected = { issuer: 'https://login.example/tenant/', clientId: 'usher', clientSecret: 's3cret' }
  assert.deepEqual(openId, { ...expected, name: 'login.example' })
  for (const name of Object.keys(OPEN_ID))
    assert.match(
      (await problemsOf({ ...OPEN_ID, [name]: '' })).join(),
      new RegExp(`^${name}.* must be set too`),
    )
  assert.match((await problemsOf({ USHER_CONSOLE_ISSUER_NAME: 'X' })).join(), /ISSUER, .*must be set too/)
})

test('the secret for an OpenID provider may be in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'usher-config-'))
  const file = join(folder, 'secret')
  const settings = { ...OPEN_ID, USHER_CONSOLE_CLIENT_SECRET: '', USHER_CONSOLE_CLIENT_SECRET_FILE: file }
  assert.deepEqual(await problemsOf(settings), [
    'USHER_CONSOLE_CLIENT_SECRET_FILE names a file that cannot be read (ENOENT)',
  ])
  writeFileSync(file, 'from file\n')
  assert.match((await problemsOf(settings)).join(), /must name a file with printable ASCII/)
  writeFileSync(file, 'from-file\n')
  assert.equal((await readConfig(settings)).openId?.clientSecret, 'from-file')
  assert.match(
    (await problemsOf({ ...OPEN_ID, ...settings, USHER_CONSOLE_CLIENT_SECRET: 'x' })).join(),
    /both/,
  )
  rmSync(folder, { recursive: true })
})

test('an OpenID provider speaks https, or http on this machine', async () => {
  const problem = async (issuer: string) =>
    (await problemsOf({ ...OPEN_ID, USHER_CONSOLE_ISSUER: issuer })).join()
  for (const right of ['https://login.example', 'http://localhost:8080/realms/x', 'http://127.0.0.1:1'])
    assert.equal(await problem(right), '')
  for (const wrong of [
    ...['http://login.example', 'login.example', 'https://login.example?x', 'https://u:p@login.example'],
    'https://login.example/.well-known/openid-configuration',
  ])
    assert.match(await problem(wrong), /^USHER_CONSOLE_ISSUER must /, wrong)
})
