import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { getToken, type Init, serve, usherJson } from '../../testing/usher.ts'
import { connectHttp } from './http.ts'
import type { Peer } from './peer.ts'

const LOADER = join(import.meta.dirname, '../load-users.ts')

/** Starts Usher on SQLite with `users` users, in a folder. */
export async function startUsher(folder: string, users: number): Promise<Peer> {
  const init = await usherJson<Init>(folder, ['init'])
  const env = { ...process.env, USHER_DATA_DIR: folder }
  execFileSync(process.execPath, [LOADER, '--users', String(users)], { env, stdio: 'pipe' })
  const served = await serve(folder, { settings: { USHER_LOG_LEVEL: 'info' } })
  const token = await getToken(served.url, init.clients.administrator)
  return {
    name: 'Usher on SQLite',
    does: 'validated, token checked per request, access checked, unique in the directory, synced, audited',
    pids: () => [served.process.pid ?? 0],
    connect: () =>
      connectHttp({
        url: served.url,
        path: `/v1/customer/${init.customer.id}/users`,
        headers: {
          authorization: `Bearer ${token}`,
          'x-tenant': init.portal,
          'content-type': 'application/json',
        },
        body: (name) => toPortalUser(name, init.groups.Viewer),
      }),
    stop: () => served.stop(),
  }
}

function toPortalUser(name: string, group: string): object {
  return {
    firstName: 'Ada',
    lastName: 'Lovelace',
    email: `${name}@example.com`,
    role: {},
    groups: [{ id: group }],
  }
}
