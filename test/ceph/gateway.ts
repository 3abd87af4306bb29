import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { newAccessKey, newSecretKey } from '../../src/model/credentials.ts'
import { AdminClient, type CephRgwSettings } from '../../src/platform/ceph-rgw/admin-client.ts'
import { CephRgwPlatform } from '../../src/platform/ceph-rgw/ceph-rgw.ts'
import { type DesiredState, type PlatformAccount, PlatformError } from '../../src/platform/platform.ts'

const url = setting('URL')

/** The Ceph RGW that `npm run test:ceph` has been given, or has started. */
export const gateway: CephRgwSettings = {
  url,
  accessKey: setting('ACCESS_KEY'),
  secretKey: setting('SECRET_KEY'),
  s3Url: url,
}

/** Its Admin API, to look behind Usher's back and to do what an operator does by hand. */
export const admin = new AdminClient(gateway)
export const platform = newPlatform()
/** For calls that are not cancelled. */
export const signal = new AbortController().signal

/** Where scripts/ceph-rgw keeps the gateway; undefined for one that is not ours to stop. */
export const ownDir = process.env.USHER_TEST_CEPH_RGW_DIR

function setting(name: string): string {
  const value = process.env[`USHER_TEST_CEPH_RGW_${name}`]
  if (!value) throw new Error('these tests are run by: npm run test:ceph')
  return value
}

export function controlGateway(command: 'start' | 'stop'): void {
  const env = { ...process.env, CEPH_RGW_DIR: ownDir }
  execFileSync(join(import.meta.dirname, '../../scripts/ceph-rgw'), [command], { env })
}

/** Creates another platform object, as another process would have; through a proxy if `at` is given. */
export function newPlatform(at = url): CephRgwPlatform {
  return new CephRgwPlatform({ ...gateway, url: at })
}

type Credential = PlatformAccount['keys'][number]

/** An account whose secrets the directory can open. */
export type TestAccount = DesiredState & { readonly credentials: readonly Credential[] }

export function newCredential(active = true): Credential {
  return { accessKey: newAccessKey(), secretKey: newSecretKey(), active }
}

const tenants = new Set<string>()

export function newTenantId(): string {
  return adoptTenant(`ushertest_${randomBytes(5).toString('hex')}`)
}

/** Has a tenant's users removed at the end. */
export function adoptTenant(tenantId: string): string {
  tenants.add(tenantId)
  return tenantId
}

/** Leaves a gateway that is not ours as it was. Removing much data takes longer than one call is waited for. */
export async function removeTenants(): Promise<void> {
  const ours = (uid: string): boolean => tenants.has(uid.split('$')[0] ?? '')
  for (let attempt = 0; attempt < 5; attempt++) {
    const left = (await listUids()).filter(ours)
    if (left.length === 0) return
    for (const uid of left) await removeUser(uid)
  }
}

async function removeUser(uid: string): Promise<void> {
  const query = { uid, 'purge-data': 'true' }
  try {
    await admin.call({ method: 'DELETE', path: '/admin/user', query }, signal)
  } catch (error) {
    // The gateway goes on; the next attempt removes the rest, or finds no user.
    if (!(error instanceof PlatformError)) throw error
  }
}

/** An account that is not on the gateway yet, with one credential unless told otherwise. */
export function newAccount(change: Partial<TestAccount> = {}): TestAccount {
  const { tenantId = newTenantId(), userId = randomUUID() } = change
  return {
    tenantId,
    userId,
    canonicalUserId: `${tenantId}$${userId}`,
    displayName: 'Ada Lovelace',
    status: 'active',
    purge: false,
    credentials: [newCredential()],
    ...change,
  }
}

export async function readAccount({ canonicalUserId }: DesiredState): Promise<PlatformAccount> {
  return (
    (await platform.read(canonicalUserId, signal)) ?? assert.fail('the gateway does not have the account')
  )
}

/** Asserts that the gateway has the desired state: one user of that id with exactly its active keys. */
export async function assertApplied(account: TestAccount): Promise<void> {
  const { status, keys } = await readAccount(account)
  assert.equal(status, account.status)
  const expected = account.credentials.filter((credential) => credential.active)
  const byKey = (one: { accessKey: string }, other: { accessKey: string }): number =>
    one.accessKey < other.accessKey ? -1 : 1
  assert.deepEqual(keys.toSorted(byKey), expected.toSorted(byKey))
  assert.equal((await listUids()).filter((uid) => uid === account.canonicalUserId).length, 1)
}

/** The uids of all users, or of one tenant's. */
export async function listUids(tenantId?: string): Promise<string[]> {
  const { body } = await admin.call({ method: 'GET', path: '/admin/metadata/user', query: {} }, signal)
  const uids = body as string[]
  return tenantId === undefined ? uids : uids.filter((uid) => uid.startsWith(`${tenantId}$`))
}

/** The AWS SDK with a user's key. RGW 16.2 does not know the checksums that the SDK adds by default. */
export function s3({ accessKey, secretKey }: Pick<Credential, 'accessKey' | 'secretKey'>): S3Client {
  return new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
}

/** The S3 error code that a call ends with. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
  } catch (error) {
    if (error instanceof S3ServiceException) return error.name
    throw error
  }
  return assert.fail('S3 did not refuse')
}
