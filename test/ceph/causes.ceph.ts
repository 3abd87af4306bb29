import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { createAccount, deleteAccount } from '../../src/directory/accounts.ts'
import { listTimeline } from '../../src/directory/timeline.ts'
import { listUnapplied, retryUser } from '../../src/directory/unapplied.ts'
import { formatCause } from '../../src/model/causes.ts'
import { CephRgwPlatform } from '../../src/platform/ceph-rgw/ceph-rgw.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { newAccountRequest, newTestDirectory, type TestDirectory } from '../support/directories.ts'
import { only } from '../support/platform.ts'
import { sqliteStores } from '../support/stores.ts'
import { adoptTenant, gateway, newPlatform, removeTenants, s3 } from './gateway.ts'
import { type RgwProxy, startProxy } from './proxy.ts'

const { open } = sqliteStores()
const QUIET = {
  log: { debug: () => undefined, warn: () => undefined, error: () => undefined },
  observeAttempt: () => undefined,
}

let proxy: RgwProxy
let on: TestDirectory

before(async () => {
  proxy = await startProxy()
})
after(async () => {
  await removeTenants()
})

/** Adds a user with an account, and tries once to apply it on a platform. */
async function addUser(platform: Platform) {
  on = await newTestDirectory(open, platform.name)
  adoptTenant(on.tenantId)
  const { account, credential } = await createAccount(on.dir, on.osis, newAccountRequest(on, 'ada'))
  await new Reconciler(on.dir, only(platform), QUIET).drain()
  return { account, credential: credential ?? assert.fail() }
}

/** Applies the account on a gateway that is well, and returns its attempts, oldest first. */
async function applyAndList(userId: string): Promise<string[]> {
  await retryUser(on.dir, on.operator, userId)
  await new Reconciler(on.dir, only(newPlatform()), QUIET).drain()
  const { items } = await listTimeline(on.dir, on.operator, { userId, limit: 100, kinds: ['platform'] })
  return items
    .flatMap((one) => (one.kind === 'attempts' ? [one.attempts] : []))
    .map(({ outcome, cause }) => `${outcome} ${cause ? formatCause(cause) : ''}`.trim())
    .reverse()
}

async function causeOf(): Promise<string | null | undefined> {
  const { items } = await listUnapplied(on.dir, on.operator, { limit: 1 })
  const cause = items[0]?.cause
  return cause && formatCause(cause)
}

test('a wrong key is refused, with the status and the code of the gateway', async () => {
  const { account } = await addUser(new CephRgwPlatform({ ...gateway, accessKey: 'NOSUCHKEY' }))
  assert.equal(await causeOf(), 'refused:403:InvalidAccessKeyId')
  assert.deepEqual(await applyAndList(account.userId), ['failed refused:403:InvalidAccessKeyId', 'applied'])
})

test('a wrong secret is refused, too', async () => {
  await addUser(new CephRgwPlatform({ ...gateway, secretKey: 'wrong' }))
  assert.equal(await causeOf(), 'refused:403:SignatureDoesNotMatch')
})

test('an account that owns a bucket and is removed without it comes back, and says why', async () => {
  const { account, credential } = await addUser(newPlatform())
  await s3(credential).send(new CreateBucketCommand({ Bucket: `causes-${account.userId.slice(-12)}` }))
  await deleteAccount(on.dir, on.osis, { ...account, purge: false })
  assert.deepEqual(await applyAndList(account.userId), ['data_left data_left'])
  await deleteAccount(on.dir, on.osis, { ...account, purge: true })
  assert.deepEqual(await applyAndList(account.userId), ['data_left data_left'])
})

test('a gateway that is stopped is unreachable', async () => {
  const { url } = proxy
  await proxy.close()
  const { account } = await addUser(newPlatform(url))
  assert.equal(await causeOf(), 'unreachable')
  assert.deepEqual(await applyAndList(account.userId), ['failed unreachable', 'applied'])
})
