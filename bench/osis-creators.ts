import { randomBytes } from 'node:crypto'
import { AwsClient } from 'aws4fetch'
import { newAccessKey, newSecretKey } from '../src/model/credentials.ts'
import type { AdminClient, CephRgwSettings } from '../src/platform/ceph-rgw/admin-client.ts'
import { basic, type HttpResponse, jsonOf, send } from '../testing/http.ts'
import { type Init, serve, usherJson } from '../testing/usher.ts'

/** One S3 key. */
export interface Key {
  readonly accessKey: string
  readonly secretKey: string
}

/** Creates users of one RGW tenant, each with one working key. */
export interface Creator {
  readonly name: string
  readonly tenantId: string
  /** Returns the argument for `keyOf`. */
  create(name: string): Promise<string>
  keyOf(user: string): Promise<Key>
}

const signal = new AbortController().signal

/** Creates users by one call of the Admin API, signed as Usher signs. */
export function newDirectCreator(admin: AdminClient): Creator {
  const tenantId = `usherbench_${randomBytes(5).toString('hex')}`
  const keys = new Map<string, Key>()
  return {
    name: 'Admin API',
    tenantId,
    async create(name) {
      const key = { accessKey: newAccessKey(), secretKey: newSecretKey() }
      const query = { 'access-key': key.accessKey, 'secret-key': key.secretKey }
      await admin.call(
        {
          method: 'PUT',
          path: '/admin/user',
          query: { uid: `${tenantId}$${name}`, 'display-name': name, ...query },
        },
        signal,
      )
      keys.set(name, key)
      return name
    },
    async keyOf(user) {
      const key = keys.get(user)
      if (!key) throw new Error(`${user} has not been created`)
      return key
    },
  }
}

/** Creates users by OSIS createUser, in a separate Usher process on SQLite, with one tenant. */
export async function newOsisCreator(
  dataDir: string,
  gateway: CephRgwSettings,
): Promise<Creator & { readonly pid: number; stop(): Promise<unknown> }> {
  const settings = {
    USHER_LOG_LEVEL: 'info',
    USHER_CEPH_RGW_URL: gateway.url,
    USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
    USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
  }
  const { clients } = await usherJson<Init>(dataDir, ['init'], settings)
  const usher = await serve(dataDir, { settings })
  const authorization = basic(clients.osis.client_id, clients.osis.client_secret)
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { authorization, ...(body && { 'content-type': 'application/json' }) }
    const sent = { method, path: `/api/v1/${path}`, headers, body: body && JSON.stringify(body) }
    return read<T>(await send(usher.url, sent), sent)
  }
  const orgId = 'bench'
  const tenant = { name: 'Bench', cd_tenant_ids: [orgId] }
  const { tenant_id: tenantId } = await call<{ tenant_id: string }>('POST', 'tenants', tenant)
  const users = `tenants/${tenantId}/users`
  return {
    name: 'OSIS',
    tenantId,
    pid: usher.process.pid ?? 0,
    async create(name) {
      const who = { cd_user_id: name, cd_tenant_id: orgId, username: name, email: `${name}@bench.example` }
      const body = { ...who, role: 'TENANT_USER', active: true }
      return (await call<{ user_id: string }>('POST', users, body)).user_id
    },
    async keyOf(user) {
      const page = await call<{ items: { access_key: string; secret_key: string }[] }>(
        'GET',
        `${users}/${user}/s3credentials`,
      )
      const [{ access_key: accessKey = '', secret_key: secretKey = '' } = {}] = page.items
      return { accessKey, secretKey }
    },
    stop: () => usher.stop(),
  }
}

function read<T>(response: HttpResponse, { method, path }: { method: string; path: string }): T {
  if (response.status > 299) throw new Error(`${method} ${path}: ${response.status} ${response.text}`)
  return jsonOf<T>(response)
}

/** Returns whether S3 accepts the key. */
export async function works(s3Url: string, { accessKey, secretKey }: Key): Promise<boolean> {
  const client = new AwsClient({
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    service: 's3',
    region: 'default',
  })
  const response = await client.fetch(s3Url)
  await response.text()
  return response.ok
}

/** Removes all users of these tenants from the gateway. */
export async function removeUsers(admin: AdminClient, tenants: readonly string[]): Promise<void> {
  const { body } = await admin.call({ method: 'GET', path: '/admin/metadata/user', query: {} }, signal)
  const uids = (body as string[]).filter((uid) => tenants.includes(uid.split('$')[0] ?? ''))
  const remove = async (): Promise<void> => {
    for (let uid = uids.pop(); uid !== undefined; uid = uids.pop())
      await admin.call({ method: 'DELETE', path: '/admin/user', query: { uid } }, signal)
  }
  await Promise.all(Array.from({ length: 8 }, remove))
}
