import assert from 'node:assert/strict'
import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { newLogger } from '../../src/logger.ts'
import { newMetrics } from '../../src/metrics.ts'
import { basic, type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import { getToken } from '../../testing/usher.ts'
import { newTestDirectory, type TestDirectory } from './directories.ts'
import { type FakePlatform, newFakePlatform, only } from './platform.ts'
import type { OpenStore } from './stores.ts'

/** OSIS over HTTP on a platform that a test can break, which no setting of a real Usher can do. */
export interface OsisApp {
  readonly on: TestDirectory
  readonly platform: FakePlatform
  /** Calls an operation as the OSIS client; the path follows `/api/v1/`. */
  call(method: string, path: string, body?: object): Promise<HttpResponse>
  /** Calls an operation of the partner portal as the provider's administrator; the path follows `/v1`. */
  portal(method: string, path: string, body?: object): Promise<HttpResponse>
  /** Creates the account of a Cloud Director user in the directory's tenant. */
  addUser(id?: string): Promise<OsisAppUser>
  /** Gives buckets to a user on the platform. */
  own(user: OsisAppUser, ...names: string[]): void
  /** Returns the total of the list at a path. */
  count(path: string): Promise<number>
  /** Moves the directory's clock on. */
  pass(ms: number): void
  close(): Promise<void>
}

export interface OsisAppUser {
  readonly user_id: string
  readonly canonical_user_id: string
  /** Where its operations are, after `/api/v1/`. */
  readonly path: string
}

/** Starts an app with the example over a new store and a new fake platform. */
export async function startOsisApp(open: OpenStore): Promise<OsisApp> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const config = await readConfig({ USHER_PORT: '0' })
  const log = await newLogger('silent', process.stderr)
  const opened = { dir: on.dir, platforms: only(platform), main: platform.name, close: async () => undefined }
  const app = await startApp({ config, log, metrics: newMetrics(), open: opened })
  const { id, secret } = on.setup.osis
  const call: OsisApp['call'] = (method, path, body) =>
    send(app.url, {
      method,
      path: `/api/v1/${path}`,
      headers: { authorization: basic(id, secret ?? ''), 'content-type': body && 'application/json' },
      body: body && JSON.stringify(body),
    })
  const { administrator } = on.setup
  const client = { client_id: administrator.id, client_secret: administrator.secret ?? '' }
  const token = await getToken(app.url, client)
  const portal: OsisApp['portal'] = (method, path, body) =>
    send(app.url, {
      method,
      path: `/v1${path}`,
      headers: {
        authorization: `Bearer ${token}`,
        'x-tenant': 'portal.example',
        'content-type': body && 'application/json',
      },
      body: body && JSON.stringify(body),
    })
  return {
    on,
    platform,
    call,
    portal,
    async addUser(cdUserId = 'ada') {
      const body = { cd_user_id: cdUserId, cd_tenant_id: on.orgId }
      const response = await call('POST', `tenants/${on.tenantId}/users`, body)
      assert.equal(response.status, 201, response.text)
      const user = jsonOf<OsisAppUser>(response)
      return { ...user, path: `tenants/${on.tenantId}/users/${user.user_id}` }
    },
    own({ canonical_user_id: owner }, ...names) {
      const buckets = names.map((name) => ({ name, createdAt: '2026-11-22T08:00:00.000Z', owner }))
      platform.buckets.set(owner, buckets)
    },
    async count(path) {
      return jsonOf<{ page_info: { total: number } }>(await call('GET', path)).page_info.total
    },
    pass(ms) {
      on.clock.now = new Date(on.clock.now.getTime() + ms)
    },
    close: () => app.close(),
  }
}

/** Asserts an OsisError with this status and code. */
export function assertOsisCode(response: HttpResponse, status: number, code: string): void {
  assert.equal(response.status, status, response.text)
  assert.equal(jsonOf<{ code: string }>(response).code, code)
}
