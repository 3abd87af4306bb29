import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type Rgw, type RgwUser, startRgw } from '../../testing/rgw.ts'
import { type StartedTarget, serveHere, startTarget } from '../../testing/target.ts'
import { type Ended, runUsher } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { createdOf, createUser, newOsisUser, newTenant, type OsisUser } from '../contract/object-store.ts'
import { queryStore } from '../support/stored.ts'

let rgw: Rgw
let target: StartedTarget
let tenantId: string

before(async () => {
  rgw = await startRgw()
  target = await startTarget(rgw.settings)
  tenantId = (await newTenant(target)).tenant_id
})
after(async () => {
  // First the server that runs now; `end` deletes the data of the first one.
  await target.stop()
  await target.end()
  rgw.close()
})
afterEach(async () => {
  rgw.refuse(undefined)
  await usher('platform', 'retry', '--all')
  await waitUntil(async () => (await statusOf()).failing === 0, 10_000)
})

const usher = (...args: string[]): Promise<Ended> => runUsher(target.dataDir, args, rgw.settings)

interface Status {
  readonly platform: { readonly name: string; readonly health: string; readonly reason: string | null }
  readonly applied: number
  readonly waiting: number
  readonly failing: number
  readonly parked: number
  readonly oldestSeconds: number
  readonly causes: readonly { cause: string; count: number; error: string }[]
  readonly accounts: readonly {
    userId: string
    tenantId: string
    organization: { name: string }
    state: string
    cause: string
    error: string
    attempts: number
  }[]
}

interface Report {
  readonly checked: number
  readonly findings: readonly {
    userId: string
    drift: { kind: string; accessKey: string | null }[]
    fixed: boolean
    error: string | null
  }[]
}

const statusOf = (...args: string[]): Promise<Status> => target.cli('platform', 'status', ...args)

async function check(...args: string[]): Promise<Report & { code: number }> {
  const { code, stdout, stderr } = await usher('platform', 'check', '--json', ...args)
  assert.equal(stderr, '')
  return { code, ...(JSON.parse(stdout) as Report) }
}

async function addUser(): Promise<{ user: OsisUser; held: RgwUser }> {
  const user = createdOf<OsisUser>(await createUser(target, tenantId, newOsisUser()))
  const held = rgw.users.get(user.canonical_user_id)
  assert.ok(held)
  return { user, held }
}

/** Adds a user, and removes them while the gateway refuses to remove the account. */
async function addFailing(): Promise<OsisUser> {
  const { user } = await addUser()
  rgw.refuse('DELETE /admin/user')
  await target.cli('user', 'remove', user.user_id)
  await waitUntil(async () => (await statusOf()).accounts.some((one) => one.userId === user.user_id), 10_000)
  return user
}

test('status shows the platform, the counts, and what fails with its reason, page by page', async () => {
  await addUser()
  // That the platform has the account is recorded a moment after the response.
  await waitUntil(async () => (await statusOf()).waiting === 0, 10_000)
  const quiet = await statusOf()
  assert.deepEqual(quiet.platform, { ...quiet.platform, name: 'ceph-rgw', health: 'NORMAL', reason: null })
  assert.deepEqual([quiet.waiting, quiet.failing, quiet.parked, quiet.accounts], [0, 0, 0, []])
  assert.equal(quiet.applied, 1)
  const user = await addFailing()
  const status = await statusOf()
  assert.deepEqual([status.waiting, status.failing, status.parked], [0, 1, 0])
  const [one] = status.accounts
  assert.deepEqual([one?.userId, one?.tenantId], [user.user_id, tenantId])
  assert.match(one?.error ?? '', /400 InvalidArgument/)
  assert.ok((one?.attempts ?? 0) >= 1)
  assert.deepEqual([one?.cause, one?.state], ['refused:400:InvalidArgument', 'failing'])
  assert.deepEqual(
    status.causes.map(({ cause, count }) => [cause, count]),
    [['refused:400:InvalidArgument', 1]],
  )
  for (const found of [
    ['--cause', 'refused'],
    ['--cause', 'refused:400:InvalidArgument', '--state', 'failing'],
    ['--tenant', tenantId],
  ])
    assert.equal((await statusOf(...found)).accounts.length, 1)
  for (const none of [
    ['--state', 'parked'],
    ['--state', 'waiting'],
    ['--cause', 'late'],
  ])
    assert.deepEqual((await statusOf(...none)).accounts, [])
  assert.match((await usher('platform', 'status', '--after', 'x')).stderr, /--after must be a cursor/)
  const { stdout } = await usher('platform', 'status')
  assert.match(stdout, /^ceph-rgw unknown: NORMAL\n1 applied, 0 waiting, 1 failing, 0 parked\nThe oldest /)
  assert.match(stdout, /\nCAUSE +ACCOUNTS .*\nrefused:400:InvalidArgument +1 /)
  assert.match(
    stdout,
    new RegExp(`\nUSER +EMAIL .*\n${user.user_id} .* failing +refused:400:InvalidArgument `),
  )
})

test('a parked account is listed as parked; retry applies it at once, and is audited', async () => {
  const user = await addFailing()
  // The state after half an hour of failures. A running attempt must end first.
  await waitUntil(async () => {
    const rows = await queryStore(
      target.dataDir,
      `UPDATE accounts SET parked_at = due_at, due_at = '2999-01-01T00:00:00.000Z'
       WHERE last_error IS NOT NULL AND leased_until IS NULL RETURNING pk`,
    )
    return rows.length === 1
  }, 10_000)
  const { failing, parked, accounts } = await statusOf('--state', 'parked')
  assert.deepEqual([failing, parked, accounts.map((one) => one.userId)], [0, 1, [user.user_id]])
  rgw.refuse(undefined)
  assert.deepEqual(await target.cli('platform', 'retry', '--user', user.user_id), { retried: 1 })
  await waitUntil(async () => !rgw.users.has(user.canonical_user_id), 3_000)
  const entries = await target.cli<{ caller: string; target: string }[]>(
    ...['audit', 'list', '--operation', 'RetryUser', '--limit', '1'],
  )
  assert.deepEqual([entries[0]?.caller, entries[0]?.target], ['operator', user.user_id])
  assert.match((await usher('platform', 'retry', '--user', 'nobody')).stderr, /no user with the .* nobody/)
})

test('accounts of one cause are retried together; a cause that does not exist is a wrong use', async () => {
  const user = await addFailing()
  rgw.refuse(undefined)
  assert.deepEqual(await target.cli('platform', 'retry', '--cause', 'late'), { retried: 0 })
  assert.deepEqual(await target.cli('platform', 'retry', '--cause', 'refused', '--tenant', tenantId), {
    retried: 1,
  })
  await waitUntil(async () => !rgw.users.has(user.canonical_user_id), 3_000)
  for (const wrong of [['--cause', 'bad luck'], ['--all', '--cause', 'late'], []])
    assert.equal((await usher('platform', 'retry', ...wrong)).code, 2)
})

interface Shown {
  readonly accounts: readonly {
    state: string
    platformState: string
    cause: string | null
    error: string | null
  }[]
  readonly keys: readonly { accessKey: string; active: boolean }[]
}

interface Receipt {
  readonly removal: { caller: string; operation: string; correlationId: string }
  readonly seal: { hash: string; block: { number: number; hash: string } }
  readonly accounts: readonly { state: string; goneAt: string | null; toldAt: string; removedKeys: number }[]
}

test('the account of one user is shown, compared, mended and measured; its removal has a receipt', async () => {
  const { user, held } = await addUser()
  const id = user.user_id
  const show = (): Promise<Shown> => target.cli('account', 'show', id)
  await waitUntil(async () => (await show()).accounts[0]?.platformState === 'applied', 5_000)
  const { keys } = await show()
  assert.deepEqual(
    keys.map(({ active }) => active),
    [true],
  )
  assert.doesNotMatch(JSON.stringify(await show()), /secret/i)
  assert.match((await usher('account', 'show', id)).stdout, /^Platform: +ceph-rgw\n/)
  assert.partialDeepStrictEqual(await target.cli('account', 'check', id), { state: 'same', drift: [] })
  held.suspended = 1
  const found = await usher('account', 'check', id)
  assert.deepEqual([found.code, found.stdout], [1, 'It differs on ceph-rgw: suspended.\n'])
  assert.match((await usher('account', 'check', id, '--fix')).stdout, /It is mended/)
  assert.partialDeepStrictEqual(await target.cli('account', 'usage', id), { usage: { bucketCount: 0 } })
  assert.match((await usher('account', 'retry', id)).stdout, /does not fail/)
  assert.match((await usher('user', 'receipt', id)).stderr, /Neither the user .* was removed/)
  rgw.refuse('DELETE /admin/user')
  await target.cli('user', 'remove', id)
  await waitUntil(async () => (await show()).accounts[0]?.cause === 'refused:400:InvalidArgument', 10_000)
  rgw.refuse(undefined)
  await target.cli('account', 'retry', id)
  const receiptOf = (): Promise<Receipt> => target.cli('user', 'receipt', id)
  await waitUntil(async () => (await receiptOf()).accounts[0]?.state === 'removed', 5_000)
  const receipt = await receiptOf()
  assert.partialDeepStrictEqual(receipt, { removal: { caller: 'operator', operation: 'DeleteUser' } })
  const [account] = receipt.accounts
  assert.ok(account?.goneAt && account.goneAt >= account.toldAt)
  assert.equal(account.removedKeys, 1)
  const { block } = receipt.seal
  assert.equal((await usher('audit', 'verify', '--expect', `${block.number}:${block.hash}`)).code, 0)
  const timeline = await target.cli<
    { kind: string; operation?: string; outcome: string; cause?: { code: string } }[]
  >(...['user', 'timeline', id])
  const words = timeline.map(({ kind, operation, outcome }) => `${operation ?? kind} ${outcome}`)
  assert.deepEqual(words.slice(0, 4), [
    'attempts applied',
    'RetryUser retried',
    'attempts failed',
    'DeleteUser deleted',
  ])
  assert.match(
    (await usher('user', 'timeline', id, '--limit', '1')).stderr,
    /add --after [\w-]+ for the next page/,
  )
})

test('check finds each kind of drift with exit code 1, and --fix repairs it while a server runs', async () => {
  const users = [await addUser(), await addUser(), await addUser()]
  const gone = (await addUser()).user
  const [lost, locked, keyed] = users.map(({ user }) => user) as [OsisUser, OsisUser, OsisUser]
  const removed = structuredClone(rgw.users.get(gone.canonical_user_id))
  assert.ok(removed)
  await target.cli('user', 'remove', gone.user_id)
  await waitUntil(async () => !rgw.users.has(gone.canonical_user_id), 10_000)
  assert.deepEqual((await check()).findings, [])
  const before = structuredClone(rgw.users)

  rgw.users.set(gone.canonical_user_id, removed)
  rgw.users.delete(lost.canonical_user_id)
  const [, lockedHeld, keyedHeld] = users.map(({ held }) => rgw.users.get(held.user_id))
  Object.assign(lockedHeld as RgwUser, { suspended: 1, display_name: 'By hand' })
  const [key] = (keyedHeld as RgwUser).keys
  ;(keyedHeld as RgwUser).keys = [
    { ...key, user: keyed.canonical_user_id, access_key: key?.access_key ?? '', secret_key: 'other' },
    { user: keyed.canonical_user_id, access_key: 'HAND', secret_key: 'made' },
  ]
  const found = await check()
  assert.equal(found.code, 1)
  const kinds = Object.fromEntries(
    found.findings.map((one) => [one.userId, one.drift.map((drift) => drift.kind).join()]),
  )
  assert.deepEqual(kinds, {
    [lost.user_id]: 'missing',
    [locked.user_id]: 'suspended,name',
    [keyed.user_id]: 'key_differs,key_foreign',
    [gone.user_id]: 'present',
  })
  const { code, stdout } = await usher('platform', 'check', '--tenant', tenantId)
  assert.equal(code, 1)
  assert.match(stdout, new RegExp(`${keyed.user_id} .*key_foreign HAND +not fixed\n`))
  assert.ok(!stdout.includes('made') && !stdout.includes(key?.secret_key ?? 'other'))

  const fixed = await check('--fix')
  assert.equal(fixed.code, 0)
  assert.ok(fixed.findings.every((one) => one.fixed))
  assert.deepEqual(
    new Map([...rgw.users].map(([uid, user]) => [uid, [user.suspended, user.display_name, user.keys]])),
    new Map([...before].map(([uid, user]) => [uid, [user.suspended, user.display_name, user.keys]])),
  )
  assert.deepEqual((await check()).findings, [])
})

test('without a server, --fix reconciles by itself', async () => {
  const { user } = await addUser()
  await target.stop()
  try {
    rgw.users.delete(user.canonical_user_id)
    const fixed = await check('--fix')
    assert.deepEqual([fixed.code, fixed.findings.map((one) => one.fixed)], [0, [true]])
    assert.ok(rgw.users.has(user.canonical_user_id))
  } finally {
    target = { ...target, ...(await serveHere(target.dataDir, rgw.settings)) }
  }
})

test('a platform that cannot be reached ends a check with 1 and the reason', async () => {
  const settings = { ...rgw.settings, USHER_CEPH_RGW_URL: 'http://127.0.0.1:1' }
  const { code, stdout, stderr } = await runUsher(target.dataDir, ['platform', 'check'], settings)
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /^usher: the Ceph RGW at [^\n]+ cannot be reached: [^\n]+\n$/)
})

test('the embedded platform has nothing to compare', async () => {
  const embedded = await startTarget()
  try {
    const { code, stdout } = await runUsher(embedded.dataDir, ['platform', 'check', '--fix'])
    assert.equal(code, 0)
    assert.match(
      stdout,
      /^The platform embedded keeps its accounts in the directory: there is nothing to compare/,
    )
  } finally {
    await embedded.end()
  }
})
