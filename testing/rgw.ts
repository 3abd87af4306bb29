import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A user in the form of the Admin API of Ceph RGW. */
export interface RgwUser {
  user_id: string
  display_name: string
  suspended: number
  keys: { user: string; access_key: string; secret_key: string; active?: boolean }[]
}

/** A bucket in the form of the Admin API of Ceph RGW. */
export interface RgwBucket {
  bucket: string
  owner: string
  creation_time: string
  usage: { 'rgw.main'?: { num_objects: number; size: number } }
}

/** The part of a Ceph RGW that accounts need, in memory, for tests of the real program. It accepts any signature. */
export interface Rgw {
  /** The settings that make Usher use it. */
  readonly settings: Readonly<Record<string, string>>
  /** The users by uid. A test may change them. */
  readonly users: Map<string, RgwUser>
  /** The buckets by the uid of their owner. A test may change them. */
  readonly buckets: Map<string, RgwBucket[]>
  /** Every call so far: `GET /admin/bucket`. A test may empty it. */
  readonly calls: string[]
  /** The versions of HTTP that were spoken. */
  readonly versions: ReadonlySet<string>
  /** Responds with 400 to every call of this method and path, such as `PUT /admin/user`; undefined ends that. */
  refuse(call: string | undefined): void
  /** Breaks off every call while it is set. */
  down: boolean
  close(): void
}

type Reply = readonly [status: number, body?: unknown, headers?: Readonly<Record<string, string>>]

const refusal = (status: number, Code: string): Reply => [status, { Code }]
const NO_QUOTA = { enabled: false, max_size: -1 }
const CAPS = ['users', 'metadata', 'buckets'].map((type) => ({ type, perm: '*' }))

/** @param certificate the key and the certificate of a gateway that speaks TLS, in PEM */
export async function startRgw(certificate?: { key: string; cert: string }): Promise<Rgw> {
  const users = new Map<string, RgwUser>()
  const buckets = new Map<string, RgwBucket[]>()
  const calls: string[] = []
  const versions = new Set<string>()
  let refused: string | undefined
  const listener: RequestListener = async (request, response) => {
    versions.add(request.httpVersion)
    const url = new URL(request.url ?? '', 'http://rgw')
    const call = `${request.method} ${url.pathname}`
    if (rgw.down) return void request.socket.destroy()
    calls.push(call)
    const body = await readBody(request)
    const [status, reply, headers] =
      call === refused
        ? refusal(400, 'InvalidArgument')
        : serve({ users, buckets }, call, url.searchParams, body)
    response.writeHead(status, headers).end(reply === undefined ? '' : JSON.stringify(reply))
  }
  const server = certificate ? createTlsServer(certificate, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const rgw: Rgw = {
    down: false,
    settings: {
      USHER_CEPH_RGW_URL: `${certificate ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
      USHER_CEPH_RGW_ACCESS_KEY: 'ADMIN',
      USHER_CEPH_RGW_SECRET_KEY: 'admin-secret',
    },
    users,
    buckets,
    calls,
    versions,
    refuse(call) {
      refused = call
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return rgw
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

function serve(
  { users, buckets }: Pick<Rgw, 'users' | 'buckets'>,
  call: string,
  query: URLSearchParams,
  body: string,
): Reply {
  const uid = query.get('uid') ?? query.get('key') ?? ''
  const user = users.get(uid)
  switch (call) {
    case 'GET /admin/user':
      return [200, { user_id: 'usher', caps: CAPS }]
    case 'GET /admin/metadata/user':
      if (!query.has('key')) return [200, { keys: [...users.keys()], truncated: 'false', count: users.size }]
      // A user without keys has just been created: it has the first version of its record.
      return user
        ? [200, { ver: { ver: user.keys.length === 0 ? 1 : 2 }, data: { user_quota: NO_QUOTA, ...user } }]
        : refusal(404, 'NoSuchKey')
    case 'PUT /admin/metadata/user':
      users.set(uid, (JSON.parse(body) as { data: RgwUser }).data)
      return [200, undefined, { RGWX_UPDATE_STATUS: 'applied' }]
    case 'PUT /admin/user':
      users.set(uid, { user_id: uid, display_name: uid, suspended: 1, keys: [] })
      return [200, {}]
    case 'POST /admin/user':
      if (user) user.suspended = 1
      return [200, {}]
    case 'GET /admin/bucket':
      return [200, query.has('uid') ? (buckets.get(uid) ?? []) : [...buckets.values()].flat()]
    case 'DELETE /admin/user':
      return users.delete(uid) ? [200] : refusal(404, 'NoSuchUser')
    default:
      return refusal(405, 'MethodNotAllowed')
  }
}
