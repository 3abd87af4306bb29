import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Arguments, Decoded, OperationId, StrictClient } from './strict-client.ts'

/** State that one scenario passes to the next. */
export interface Drive {
  readonly client: StrictClient
  readonly account: { readonly username: string; readonly password: string }
  readonly org: string
  notImplemented: readonly string[]
  tenant: string
  user: Decoded
  key: Decoded
}

/** Calls a server as Object Storage Extension does, in the order of section 9 of the contract. */
export async function driveLikeOse(client: StrictClient, account: Drive['account']): Promise<Drive> {
  const none = {} as Decoded
  const drive: Drive = {
    client,
    account,
    org: randomUUID(),
    notImplemented: [],
    tenant: '',
    user: none,
    key: none,
  }
  await connect(drive)
  await enableOrg(drive)
  await remap(drive)
  await useFirst(drive)
  await rotateKeys(drive)
  await resolveOwners(drive)
  await report(drive)
  await disableAndRemove(drive)
  return drive
}

const filter = (...terms: (readonly [string, unknown])[]): Arguments => ({
  query: { filter: terms.map(([name, value]) => `${name}==${value};`).join('') },
})

const tenantOf = (drive: Drive): Arguments => ({ path: { tenantId: drive.tenant } })
const userOf = ({ tenant, user }: Drive): Arguments => ({
  path: { tenantId: tenant, userId: String(user.user_id) },
})
const keyOf = ({ tenant, user }: Drive, key: Decoded): Arguments => ({
  path: { accessKey: String(key.access_key) },
  query: { tenant_id: tenant, user_id: String(user.user_id) },
})

/** Calls an operation. If the server announces it as not implemented, asserts a 501. */
async function callOptional(
  { client, notImplemented }: Drive,
  id: OperationId,
  given: Arguments = {},
): Promise<void> {
  if (notImplemented.includes(id)) assert.equal(await client.refuse(id, given), 501, id)
  else await client.call(id, given)
}

/** A: without credentials, then by name and password for the refresh token, then by access tokens alone. */
async function connect(drive: Drive): Promise<void> {
  const { client, account } = drive
  const info = await client.call('getInfo')
  drive.notImplemented = info.not_implemented as string[]
  const modes = info.auth_modes as string[]
  assert.ok(modes.length > 0)
  if (modes.includes('Bearer')) {
    const { refresh_token } = await client.call('login', { body: account })
    const { access_token } = await client.call('refreshToken', { body: { refresh_token } })
    client.authorization = `Bearer ${access_token}`
  } else {
    client.authorization = `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`
  }
  const { exclusions } = await client.call('getS3Capabilities')
  assert.ok(Object.keys(exclusions as object).length > 0, 'an empty object is taken for a broken response')
}

/** B: an unknown org, until it counts as enabled. */
async function enableOrg(drive: Drive): Promise<void> {
  const { client, org } = drive
  await client.call('listTenants')
  const ask = (): Promise<Decoded> => client.call('queryTenants', filter(['cd_tenant_id', org]))
  assert.equal((await ask()).page_info.total, 0)
  assert.equal(await client.refuse('headTenant', { path: { tenantId: org } }), 404)
  const body = { name: 'Strict client', active: true, cd_tenant_ids: [org] }
  const tenant = await client.call('createTenant', { body })
  drive.tenant = String(tenant.tenant_id)
  const { items, page_info } = await ask()
  assert.deepEqual([page_info.total, items[0]?.tenant_id, items[0]?.cd_tenant_ids], [1, drive.tenant, [org]])
}

/** C: a second org on the same tenant, and off again. */
async function remap(drive: Drive): Promise<void> {
  const { client, org } = drive
  await client.call('headTenant', tenantOf(drive))
  await client.call('getTenant', tenantOf(drive))
  for (const orgs of [[org, randomUUID()], [org]]) {
    const changed = await client.call('updateTenant', { ...tenantOf(drive), body: { cd_tenant_ids: orgs } })
    assert.deepEqual(changed.cd_tenant_ids, orgs)
  }
}

/** D: the first time that a Cloud Director user opens object storage. */
async function useFirst(drive: Drive): Promise<void> {
  const { client, org, tenant } = drive
  const person = randomUUID()
  const terms = [
    ['tenant_id', tenant],
    ['cd_tenant_id', org],
    ['cd_user_id', person],
  ] as const
  assert.equal((await client.call('queryUsers', filter(...terms))).page_info.total, 0)
  const body = {
    tenant_id: tenant,
    active: true,
    username: 'zoë@acme',
    email: 'zoe@acme.example',
    role: 'TENANT_ADMIN',
    cd_user_id: person,
    cd_tenant_id: org,
  }
  drive.user = await client.call('createUser', { ...tenantOf(drive), body })
  assert.partialDeepStrictEqual(drive.user, body)
  assert.equal((await client.call('queryUsers', filter(...terms))).page_info.total, 1)
  const own = filter(...terms, ['user_id', drive.user.user_id])
  const { items } = await client.call('queryCredentials', own)
  assert.equal(items.length, 1, 'exactly one credential')
  drive.key = items[0] as Decoded
}

/** E: a second key, the first one disabled, the second one removed. */
async function rotateKeys(drive: Drive): Promise<void> {
  const { client, key } = drive
  await client.call('listCredentials', userOf(drive))
  const second = await client.call('createCredential', userOf(drive))
  for (const active of [false, true])
    await callOptional(drive, 'updateCredentialStatus', { ...keyOf(drive, key), body: { ...key, active } })
  assert.equal((await client.call('getCredential', keyOf(drive, key))).secret_key, key.secret_key)
  await callOptional(drive, 'deleteCredential', keyOf(drive, second))
  await callOptional(drive, 'deleteCredential', keyOf(drive, second))
}

/** F: owners in S3 responses are looked up as users; keys are read again after a restart of OSE. */
async function resolveOwners(drive: Drive): Promise<void> {
  const { client, user } = drive
  const id = String(user.canonical_user_id)
  const found = await client.call('getUserWithCanonicalID', { path: { canonicalUserId: id } })
  assert.deepEqual(found, user)
  assert.equal(await client.refuse('getUserWithCanonicalID', { path: { canonicalUserId: 'no$body' } }), 404)
  await client.call('getUserWithId', userOf(drive))
  await callOptional(drive, 'headUser', userOf(drive))
  await client.call('listUsers', tenantOf(drive))
  await client.call('listCredentials', userOf(drive))
}

/** H comes before G, which leaves nothing to report about. */
async function report(drive: Drive): Promise<void> {
  const { tenant, user } = drive
  const query = { tenant_id: tenant }
  await callOptional(drive, 'getUsage')
  await callOptional(drive, 'getUsage', { query })
  await callOptional(drive, 'getUsage', { query: { ...query, user_id: String(user.user_id) } })
  await callOptional(drive, 'getBucketList', { query })
  await callOptional(drive, 'getBucketLoggingId')
  await callOptional(drive, 'getAnonymousUser')
  await callOptional(drive, 'getConsole', { query: { ...query, lang: 'en' } })
}

/** G: disabled in Cloud Director, enabled again, then purged. */
async function disableAndRemove(drive: Drive): Promise<void> {
  const { client, user } = drive
  for (const active of [false, true]) {
    const changed = await client.call('updateUserStatus', { ...userOf(drive), body: { ...user, active } })
    assert.deepEqual(changed, { ...user, active })
  }
  const purge = { query: { purge_data: 'true' } }
  await client.call('deleteUser', { ...userOf(drive), ...purge })
  await client.call('deleteUser', { ...userOf(drive), ...purge })
  await callOptional(drive, 'deleteTenant', { ...tenantOf(drive), ...purge })
  if (!drive.notImplemented.includes('deleteTenant'))
    assert.equal(await client.refuse('headTenant', tenantOf(drive)), 404)
}
