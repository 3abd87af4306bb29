import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type DesiredState, PlatformError } from '../../../src/platform/platform.ts'
import { waitUntil } from '../../../testing/wait.ts'
import {
  cut,
  type FakeGateway,
  findClosedUrl,
  hang,
  newPlatform,
  type Responder,
  refusal,
  respond,
  SECRET,
  startFakeGateway,
  USER_SECRET,
} from './fake-gateway.ts'

const UID = 'acme$ada'
const account: DesiredState = {
  tenantId: 'acme',
  userId: 'ada',
  canonicalUserId: UID,
  displayName: 'Ada',
  status: 'active',
  purge: false,
  credentials: [{ accessKey: 'USERKEY', secretKey: USER_SECRET, active: true }],
}

let gateway: FakeGateway

before(async () => {
  gateway = await startFakeGateway()
})
after(() => gateway.close())

async function failureOf(work: Promise<unknown>): Promise<PlatformError> {
  const error = await work.then(
    () => assert.fail('it did not fail'),
    (reason) => reason,
  )
  assert.ok(error instanceof PlatformError, String(error))
  for (let one: unknown = error; one instanceof Error; one = one.cause)
    assert.doesNotMatch(`${one.message} ${one.stack}`, SECRET)
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
    gateway.respondWith(refusal(status, code))
    assert.match((await failureOf(newPlatform(gateway.url).apply(account, signal))).message, says)
    assert.equal(gateway.asked.length, 1)
  })
}

test('an error in XML, as S3 writes it, is understood too', async () => {
  gateway.respondWith(respond(404, '<?xml version="1.0"?><Error><Code>NoSuchBucket</Code></Error>'))
  assert.match(
    (await failureOf(newPlatform(gateway.url).read(UID, signal))).message,
    /404 NoSuchBucket: its Admin Ops API/,
  )
})

test('a response of another server is an error, and never a removed account', async () => {
  for (const page of [
    respond(404, '<html>'),
    respond(200, '<html>'),
    respond(200, ''),
    respond(302, '', { location: gateway.url }),
  ]) {
    gateway.respondWith(page)
    await failureOf(newPlatform(gateway.url).read(UID, signal))
    await failureOf(newPlatform(gateway.url).listBuckets(UID, signal))
    await failureOf(newPlatform(gateway.url).apply({ ...account, status: 'gone' }, signal))
  }
})

test('a passing fault is over after a moment, one that stays is told', async () => {
  gateway.respondWith(cut, refusal(500, 'UnknownError'), refusal(503, 'SlowDown'), refusal(404, 'NoSuchKey'))
  assert.equal(await newPlatform(gateway.url).read(UID, signal), null)
  assert.equal(gateway.asked.length, 4)
  gateway.respondWith(refusal(500, 'UnknownError'))
  assert.match((await failureOf(newPlatform(gateway.url).read(UID, signal))).message, /500 UnknownError/)
  gateway.respondWith(cut)
  assert.match(
    (await failureOf(newPlatform(gateway.url).read(UID, signal))).message,
    new RegExp(`${gateway.url} cannot be reached`),
  )
})

test('an address where nothing listens is named in the message', async () => {
  const url = await findClosedUrl()
  assert.match((await failureOf(newPlatform(url).read(UID, signal))).message, /ECONNREFUSED/)
})

test('the caller can cancel a call that hangs', async () => {
  gateway.respondWith(hang)
  const giveUp = new AbortController()
  const work = failureOf(newPlatform(gateway.url).apply(account, giveUp.signal))
  await waitUntil(async () => gateway.asked.length === 1, 10_000)
  giveUp.abort()
  assert.match((await work).message, /was cancelled/)
  assert.equal(gateway.asked.length, 1)
})

/** What RGW has of the account in the faults below: a user without keys, then the desired one. */
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
const metadata = (data: object): Responder => respond(200, { key: `user:${UID}`, data })

/** A platform that has learnt what the gateway gives to new users. */
async function newTaught(): Promise<ReturnType<typeof newPlatform>> {
  const first = respond(200, { key: `user:${UID}`, ver: { ver: 1 }, data: bare })
  const platform = newPlatform(gateway.url)
  const makes = [refusal(404, 'NoSuchKey'), respond(200, {}), first, respond(204), metadata(complete)]
  gateway.respondWith(...makes)
  await platform.apply(account, signal)
  return platform
}

test('a secret is never in a URL', async () => {
  const made = respond(200, { user_id: 'ada' })
  gateway.respondWith(refusal(404, 'NoSuchKey'), made, metadata(bare), respond(204), metadata(complete))
  await newPlatform(gateway.url).apply(account, signal)
  assert.deepEqual(
    gateway.asked.map((one) => one.split('?')[0]),
    [
      'GET /admin/metadata/user',
      'PUT /admin/user',
      'GET /admin/metadata/user',
      'PUT /admin/metadata/user',
      'GET /admin/metadata/user',
    ],
  )
  for (const one of gateway.asked) assert.doesNotMatch(decodeURIComponent(one), /hunter2|secret/)
})

test('the next new user is written in one call, between two reads, or without a read for a first attempt', async () => {
  const platform = await newTaught()
  gateway.respondWith(refusal(404, 'NoSuchKey'), respond(204), metadata(complete))
  await platform.apply(account, signal)
  assert.deepEqual(
    gateway.asked.map((one) => one.split('?')[0]),
    ['GET /admin/metadata/user', 'PUT /admin/metadata/user', 'GET /admin/metadata/user'],
  )
  // Not every gateway, and not every proxy before one, says what became of a write.
  gateway.respondWith(respond(204), metadata(complete))
  await platform.apply({ ...account, isNew: true }, signal)
  assert.equal(gateway.asked.length, 2)
  gateway.respondWith(respond(204, '', { rgwx_update_status: 'applied' }))
  await platform.apply({ ...account, isNew: true }, signal)
  assert.equal(gateway.asked.length, 1)
  for (const one of gateway.asked) assert.doesNotMatch(decodeURIComponent(one), /hunter2|secret/)
})

test('a write that fails is followed by a read, also for a first attempt', async () => {
  const platform = await newTaught()
  for (const fault of [cut, refusal(500, 'UnknownError')]) {
    gateway.respondWith(fault, metadata(complete))
    await platform.apply({ ...account, isNew: true }, signal)
    assert.match(gateway.asked[1] ?? '', /^GET/)
    assert.equal(gateway.asked.length, 2)
  }
})

test('a user that another program has just created is taken as it is', async () => {
  gateway.respondWith(refusal(404, 'NoSuchKey'), refusal(409, 'UserAlreadyExists'), metadata(complete))
  await newPlatform(gateway.url).apply(account, signal)
  assert.equal(gateway.asked.length, 3)
})

test('a key that another user has is an error that names the keys, and no key is taken away', async () => {
  gateway.respondWith(metadata(bare), refusal(409, 'BucketAlreadyExists'))
  const { message } = await failureOf(newPlatform(gateway.url).apply(account, signal))
  assert.match(message, /another user of the Ceph RGW has one of the access keys of acme\$ada \(USERKEY\)/)
  assert.equal(gateway.asked.length, 2)
})

test('an account that never reaches its desired state is an error', async () => {
  gateway.respondWith(...Array.from({ length: 20 }, () => [metadata(bare), respond(204)]).flat())
  const { message } = await failureOf(newPlatform(gateway.url).apply(account, signal))
  assert.match(message, /another program keeps changing/)
})

test('two that apply one account do so one after the other, also when the first fails', async () => {
  let [now, most] = [0, 0]
  const slow =
    (then: Responder): Responder =>
    (request, response) => {
      most = Math.max(most, ++now)
      setTimeout(() => {
        now--
        then(request, response)
      }, 20)
    }
  gateway.respondWith(slow(refusal(403, 'AccessDenied')), slow(metadata(complete)))
  const platform = newPlatform(gateway.url)
  const [first, ...others] = await Promise.allSettled(
    Array.from({ length: 4 }, () => platform.apply(account, signal)),
  )
  assert.equal(first?.status, 'rejected')
  for (const { status } of others) assert.equal(status, 'fulfilled')
  assert.equal(most, 1)
})
