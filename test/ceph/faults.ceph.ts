import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { PlatformError } from '../../src/platform/platform.ts'
import {
  assertApplied,
  listUids,
  newAccount,
  newCredential,
  newPlatform,
  platform,
  removeTenants,
  s3,
  signal,
  type TestAccount,
} from './gateway.ts'
import { type Fault, type RgwProxy, startProxy } from './proxy.ts'

let proxy: RgwProxy

before(async () => {
  proxy = await startProxy()
})

after(async () => {
  await proxy.close()
  await removeTenants()
})

async function assertWhole(account: TestAccount): Promise<void> {
  await assertApplied(account)
  assert.deepEqual(await listUids(account.tenantId), [account.canonicalUserId])
  for (const credential of account.credentials) await s3(credential).send(new ListBucketsCommand({}))
}

const WRITES = [/PUT .admin.user$/, /PUT .admin.metadata.user$/]
const FAULTS: readonly Fault[] = ['500 before', '500 after', 'cut before', 'cut after']

for (const write of WRITES)
  for (const fault of FAULTS)
    test(`${fault} of ${write.source} is over in one apply: one user, its own key`, async () => {
      const account = newAccount()
      proxy.break(write, fault, fault)
      await newPlatform(proxy.url).apply(account, signal)
      await assertWhole(account)
    })

test('faults in all that is asked are over in one apply, too', async () => {
  const account = newAccount({ credentials: [newCredential(), newCredential()] })
  proxy.break(/./, 'cut before', '500 before', 'cut after', '500 after')
  await newPlatform(proxy.url).apply(account, signal)
  await assertWhole(account)
  proxy.break(/DELETE/, 'cut after')
  await newPlatform(proxy.url).apply({ ...account, status: 'gone' }, signal)
  assert.deepEqual(await listUids(account.tenantId), [])
})

for (const write of WRITES)
  test(`a ${write.source} whose response never comes is cancelled, and the next apply finds it done`, async () => {
    const account = newAccount()
    proxy.break(write, 'hold after')
    const giveUp = new AbortController()
    const first = newPlatform(proxy.url).apply(account, giveUp.signal)
    await proxy.held()
    giveUp.abort()
    await assert.rejects(first, PlatformError)
    await newPlatform(proxy.url).apply(account, signal)
    await assertWhole(account)
  })

test('a user is never half-made in a usable way: without its keys it is suspended', async () => {
  const account = newAccount()
  proxy.break(/PUT .admin.metadata/, ...Array.from({ length: 10 }, () => 'cut before' as const))
  await assert.rejects(newPlatform(proxy.url).apply(account, signal), /cannot be reached/)
  const { status, keys } = (await platform.read(account.canonicalUserId, signal)) ?? assert.fail('no user')
  assert.deepEqual([status, keys], ['suspended', []])
})

test('a change that is cut off is whole afterwards, or has not happened', async () => {
  const account = newAccount({ credentials: [newCredential(), newCredential()] })
  await platform.apply(account, signal)
  const [one, other] = account.credentials
  assert.ok(one && other)
  const changed = {
    ...account,
    status: 'suspended' as const,
    credentials: [{ ...one, active: false }, other],
  }
  const giveUp = new AbortController()
  proxy.break(/PUT/, 'hold after')
  const first = newPlatform(proxy.url).apply(changed, giveUp.signal)
  await proxy.held()
  await assertApplied(changed)
  giveUp.abort()
  await assert.rejects(first, PlatformError)
})

test('an unreachable gateway is an error within a second or two for every call, and in the health', async () => {
  await proxy.close()
  try {
    const away = newPlatform(proxy.url)
    const account = newAccount()
    const begun = performance.now()
    const calls = [
      away.apply(account, signal),
      away.apply({ ...account, status: 'gone' }, signal),
      away.read(account.canonicalUserId, signal),
      away.listBuckets(account.canonicalUserId, signal),
      away.readContent(account.canonicalUserId, signal),
    ]
    await Promise.all(calls.map((call) => assert.rejects(call, PlatformError)))
    assert.equal((await away.status()).health, 'ERROR')
    assert.ok(performance.now() - begun < 5_000)
  } finally {
    await proxy.open()
  }
})
