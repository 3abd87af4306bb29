import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { CephRgwPlatform } from '../../../src/platform/ceph-rgw/ceph-rgw.ts'
import { PlatformError, type WantedAccount } from '../../../src/platform/platform.ts'

const ACCESS_KEY = 'ADMINKEY'
const SECRET_KEY = 'admin-secret-hunter2'
const USER_SECRET = 'user-secret-hunter2'
const UID = 'acme$ada'
const account: WantedAccount = {
  tenantId: 'acme',
  userId: 'ada',
  canonicalUserId: UID,
  displayName: 'Ada',
  state: 'active',
  purge: false,
  credentials: [{ accessKey: 'USERKEY', secretKey: USER_SECRET, active: true }],
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let url: string
let answers: Answer[]
let asked: string[]
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`)
  // The last answer holds for all further calls.
  const answer = answers.length > 1 ? answers.shift() : answers[0]
  request.resume().on('end', () => answer?.(request, response))
})

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  answers = []
  asked = []
})
after(() => {
  server.closeAllConnections()
  server.close()
})

function newPlatform(at = url): CephRgwPlatform {
  return new CephRgwPlatform({ url: at, accessKey: ACCESS_KEY, secretKey: SECRET_KEY, s3Url: at })
}

function answer(status: number, body: unknown = '', headers: Record<string, string> = {}): Answer {
  return (_, response) =>
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
}

const refusal = (status: number, Code: string): Answer =>
  answer(status, { Code, Message: '', RequestId: 'tx1' })
const cut: Answer = (request) => request.socket.destroy()

async function failureOf(work: Promise<unknown>): Promise<PlatformError> {
  const error = await work.then(
    () => assert.fail('it did not fail'),
    (reason) => reason,
  )
  assert.ok(error instanceof PlatformError, String(error))
  for (let one: unknown = error; one instanceof Error; one = one.cause)
    assert.doesNotMatch(`${one.message} ${one.stack}`, /hunter2/)
  return error
}

const signal = new AbortController().signal

const ADVICE: readonly (readonly [status: number, code: string, says: RegExp])[] = [
  [403, 'AccessDenied', /users=\*;metadata=\*;buckets=read/],
  [403, 'InvalidAccessKeyId', /does not know USHER_CEPH_RGW_ACCESS_KEY/],
  [403, 'SignatureDoesNotMatch', /USHER_CEPH_RGW_SECRET_KEY is wrong/],
  [403, 'RequestTimeTooSkewed', /15 minutes/],
  [403, 'UserSuspended', /is suspended/],
  [405, 'MethodNotAllowed', /Admin Ops API is not at \/admin/],
  [400, 'InvalidArgument', /400 InvalidArgument$/],
]

for (const [status, code, says] of ADVICE) {
  test(`${status} ${code} says what to do, and is not tried again at once`, async () => {
    answers = [refusal(status, code)]
    assert.match((await failureOf(newPlatform().apply(account, signal))).message, says)
    assert.equal(asked.length, 1)
  })
}

test('an error in XML, as S3 writes it, is understood too', async () => {
  answers = [answer(404, '<?xml version="1.0"?><Error><Code>NoSuchBucket</Code></Error>')]
  assert.match(
    (await failureOf(newPlatform().read(UID, signal))).message,
    /404 NoSuchBucket: its Admin Ops API/,
  )
})

test('a page of somebody else is an error, and never an account that is gone', async () => {
  for (const page of [
    answer(404, '<html>'),
    answer(200, '<html>'),
    answer(200, ''),
    answer(302, '', { location: url }),
  ]) {
    answers = [page]
    await failureOf(newPlatform().read(UID, signal))
    await failureOf(newPlatform().listBuckets(UID, signal))
    await failureOf(newPlatform().apply({ ...account, state: 'gone' }, signal))
  }
})

test('a passing fault is over after a moment, one that stays is told', async () => {
  answers = [cut, refusal(500, 'UnknownError'), refusal(503, 'SlowDown'), refusal(404, 'NoSuchKey')]
  assert.equal(await newPlatform().read(UID, signal), null)
  assert.equal(asked.length, 4)
  answers = [refusal(500, 'UnknownError')]
  assert.match((await failureOf(newPlatform().read(UID, signal))).message, /500 UnknownError/)
  answers = [cut]
  assert.match(
    (await failureOf(newPlatform().read(UID, signal))).message,
    new RegExp(`${url} cannot be reached`),
  )
})

test('where nobody listens, the message says so', async () => {
  const closed = await new Promise<string>((resolve) => {
    const listener = createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as AddressInfo
      listener.close(() => resolve(`http://127.0.0.1:${port}`))
    })
  })
  assert.match((await failureOf(newPlatform(closed).read(UID, signal))).message, /ECONNREFUSED/)
  const { health, reason } = await newPlatform(closed).status()
  assert.equal(health, 'ERROR')
  assert.match(reason ?? '', /ECONNREFUSED/)
})

test('the caller can give up a call that hangs', async () => {
  answers = [() => undefined]
  const giveUp = new AbortController()
  const work = failureOf(newPlatform().apply(account, giveUp.signal))
  setTimeout(() => giveUp.abort(), 50)
  assert.match((await work).message, /was given up/)
  assert.equal(asked.length, 1)
})

test('a gateway that hangs is not well, which is known within seconds and asked once by all', async () => {
  answers = [() => undefined]
  const platform = newPlatform()
  const begun = performance.now()
  const all = await Promise.all(Array.from({ length: 20 }, () => platform.status()))
  assert.ok(performance.now() - begun < 4_000)
  for (const { version, health, reason } of all) {
    assert.deepEqual([version, health], ['unknown', 'ERROR'])
    assert.match(reason ?? '', /did not answer GET \/admin\/user within 2 s/)
  }
  assert.equal(asked.length, 1)
})

const CAPS = ['users', 'metadata', 'buckets'].map((type) => ({ type, perm: '*' }))

test('a gateway that newer releases name has a version', async () => {
  answers = [answer(200, { caps: CAPS, system: 'false' }, { server: 'Ceph Object Gateway (squid)' })]
  assert.deepEqual(await newPlatform().status(), { version: 'squid', health: 'NORMAL' })
})

test('missing caps are a warning that names them, unless the user may do everything', async () => {
  const caps = [CAPS[0], { type: 'metadata', perm: 'read' }]
  answers = [answer(200, { caps, system: 'false' })]
  const { health, reason } = await newPlatform().status()
  assert.equal(health, 'WARNING')
  assert.match(reason ?? '', /lacks the caps metadata=\*;buckets=read$/)
  answers = [answer(200, { caps: [], system: 'true' })]
  assert.equal((await newPlatform().status()).health, 'NORMAL')
})

test('nonsense is not a version, nor health', async () => {
  for (const nonsense of ['null', '[]', '{}', '<html>']) {
    answers = [answer(200, nonsense)]
    assert.equal((await newPlatform().status()).health, 'ERROR')
  }
})

/** What RGW has of the account in the faults below: a user without keys, then the wanted one. */
const bare = {
  user_id: UID,
  display_name: UID,
  suspended: 1,
  keys: [] as object[],
  user_quota: { enabled: false, max_size: -1 },
}
const complete = {
  ...bare,
  display_name: 'Ada',
  suspended: 0,
  keys: [{ user: UID, access_key: 'USERKEY', secret_key: USER_SECRET }],
}
const metadata = (data: object): Answer => answer(200, { key: `user:${UID}`, data })

test('a secret is never in a URL', async () => {
  answers = [
    refusal(404, 'NoSuchKey'),
    answer(200, { user_id: 'ada' }),
    metadata(bare),
    answer(204),
    metadata(complete),
  ]
  await newPlatform().apply(account, signal)
  assert.deepEqual(
    asked.map((one) => one.split('?')[0]),
    [
      'GET /admin/metadata/user',
      'PUT /admin/user',
      'GET /admin/metadata/user',
      'PUT /admin/metadata/user',
      'GET /admin/metadata/user',
    ],
  )
  for (const one of asked) assert.doesNotMatch(decodeURIComponent(one), /hunter2|secret-key/)
})

test('a user that somebody else has just created is taken as it is', async () => {
  answers = [refusal(404, 'NoSuchKey'), refusal(409, 'UserAlreadyExists'), metadata(complete)]
  await newPlatform().apply(account, signal)
  assert.equal(asked.length, 3)
})

test("a key that another user has is an error that names the keys, and nobody's key is taken", async () => {
  answers = [metadata(bare), refusal(409, 'BucketAlreadyExists')]
  const { message } = await failureOf(newPlatform().apply(account, signal))
  assert.match(message, /another user of the Ceph RGW has one of the access keys of acme\$ada \(USERKEY\)/)
  assert.equal(asked.length, 2)
})

test('an account that never comes to be as wanted is given up', async () => {
  answers = [metadata(bare), answer(204)]
  answers = Array.from({ length: 20 }, () => answers).flat()
  const { message } = await failureOf(newPlatform().apply(account, signal))
  assert.match(message, /somebody else keeps changing/)
})

test('two that apply one account do so one after the other, also when the first fails', async () => {
  let [now, most] = [0, 0]
  const slow =
    (then: Answer): Answer =>
    (request, response) => {
      most = Math.max(most, ++now)
      setTimeout(() => {
        now--
        then(request, response)
      }, 20)
    }
  answers = [slow(refusal(403, 'AccessDenied')), slow(metadata(complete))]
  const platform = newPlatform()
  const [first, ...others] = await Promise.allSettled(
    Array.from({ length: 4 }, () => platform.apply(account, signal)),
  )
  assert.equal(first?.status, 'rejected')
  for (const { status } of others) assert.equal(status, 'fulfilled')
  assert.equal(most, 1)
})
