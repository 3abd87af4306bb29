import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { CephRgwPlatform } from '../../src/platform/ceph-rgw/ceph-rgw.ts'
import { admin, gateway, newAccount, newCredential, platform, removeTenants, signal } from './gateway.ts'

const made: string[] = []

after(async () => {
  for (const uid of made) await admin.call({ method: 'DELETE', path: '/admin/user', query: { uid } }, signal)
  await removeTenants()
})

/** The platform as a user with these caps sees it. */
async function platformWith(caps: string): Promise<CephRgwPlatform> {
  const uid = `ushertest-${randomUUID()}`
  const { accessKey, secretKey } = newCredential()
  const keys = { 'access-key': accessKey, 'secret-key': secretKey }
  const query = { uid, 'display-name': 'Usher', 'user-caps': caps, ...keys }
  await admin.call({ method: 'PUT', path: '/admin/user', query }, signal)
  made.push(uid)
  return new CephRgwPlatform({ ...gateway, accessKey, secretKey })
}

/** Which calls work. */
async function tryAll(one: CephRgwPlatform): Promise<Record<string, boolean>> {
  const account = newAccount()
  const id = account.canonicalUserId
  const works: Record<string, boolean> = {}
  const attempt = async (name: string, call: Promise<unknown>): Promise<void> => {
    const failed = await call.then(
      () => undefined,
      (error: Error) => error,
    )
    if (failed)
      assert.match(failed.message, /403 AccessDenied: the user of USHER_CEPH_RGW_ACCESS_KEY needs the caps/)
    works[name] = !failed
  }
  await attempt('apply', one.apply(account, signal))
  await attempt('read', one.read(id, signal))
  await attempt('listBuckets', one.listBuckets(id, signal))
  await attempt('readContent', one.readContent(id, signal))
  await platform.apply(account, signal)
  await attempt('purge', one.apply({ ...account, status: 'gone', purge: true }, signal))
  return works
}

const ALL = { apply: true, read: true, listBuckets: true, readContent: true, purge: true }

test('users, metadata and read on buckets are all that is needed', async () => {
  const one = await platformWith('users=*;metadata=*;buckets=read')
  assert.deepEqual(await tryAll(one), ALL)
  assert.equal((await one.status()).health, 'NORMAL')
})

const LESS: readonly (readonly [caps: string, lacks: string, fails: Partial<typeof ALL>])[] = [
  ['users=*;metadata=*', 'buckets=read', { listBuckets: false, readContent: false }],
  ['users=*;metadata=read;buckets=read', 'metadata=*', { apply: false }],
  ['users=*;buckets=read', 'metadata=*', { apply: false, read: false, readContent: false, purge: false }],
  ['users=read;metadata=*;buckets=read', 'users=*', { apply: false, purge: false }],
]

for (const [caps, lacks, fails] of LESS)
  test(`with ${caps} alone, what fails says so, and so does the health`, async () => {
    const one = await platformWith(caps)
    assert.deepEqual(await tryAll(one), { ...ALL, ...fails })
    const { health, reason } = await one.status()
    assert.equal(health, 'WARNING')
    assert.match(reason ?? '', new RegExp(`lacks the caps ${lacks.replace('*', '\\*')}$`))
  })

test('without any caps the gateway is of no use, which is an error', async () => {
  const one = await platformWith('usage=read')
  const { health, reason } = await one.status()
  assert.equal(health, 'ERROR')
  assert.match(reason ?? '', /needs the caps users=\*;metadata=\*;buckets=read/)
})
