import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { programEnvironment } from '../testing/environment.ts'
import { basic, jsonOf, send } from '../testing/http.ts'
import { type Init, type Settings, serve, usherJson } from '../testing/usher.ts'
import { inWorkDirectory } from './work-directory.ts'

/**
 * How long lists, queries and look-ups of OSIS take with very many users: as a client on the same machine sees it, and
 * by the server's own clock, from its metrics: `node bench/lists.ts --accounts 100000 --engine postgres`. Bars:
 * docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '100000' },
    calls: { type: 'string', default: '200' },
    engine: { type: 'string', default: 'sqlite' },
    directory: { type: 'string', default: '.' },
  },
})
const accounts = Number(values.accounts)
const calls = Number(values.calls)
const WARM_UP = 20

await inWorkDirectory(values, main)

async function main(work: string, settings: Settings): Promise<void> {
  const init = await usherJson<Init>(work, ['init'], settings)
  const [tenant] = await usherJson<{ id: string; orgs: string[] }[]>(work, ['tenant', 'list'], settings)
  const script = join(import.meta.dirname, 'load-accounts.ts')
  const env = await programEnvironment(work, settings)
  await promisify(execFile)(process.execPath, [script, '--accounts', values.accounts], { env })
  const usher = await serve(work, { settings })
  const { client_id, client_secret } = init.clients.osis
  const headers = { authorization: basic(client_id, client_secret) }
  const call = (path: string) => send(usher.url, { method: 'GET', path, headers })
  for (const [name, path] of await listPaths(tenant?.id ?? '', tenant?.orgs[0] ?? '', call)) {
    // Warm: what is measured is the look, not the compilation of code that has never run.
    for (let i = 0; i < WARM_UP; i++) await call(path)
    const times: number[] = []
    for (let i = 0; i < calls; i++) {
      const begun = performance.now()
      const response = await call(path)
      times.push(performance.now() - begun)
      if (response.status !== 200) throw new Error(`${name}: ${response.status} ${response.text}`)
    }
    times.sort((one, other) => one - other)
    const at = (share: number): string => (times[Math.floor(calls * share)] ?? 0).toFixed(1).padStart(6)
    console.log(`${name.padEnd(44)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`)
  }
  await reportInside(usher.url)
  await usher.stop()
}

/** By operation, how many responses took the server less than the bar. */
async function reportInside(url: string): Promise<void> {
  const text = await (await fetch(`${url}/metrics`)).text()
  console.log('\ninside the server, warm-up and first calls included')
  const quick = /^usher_request_duration_seconds_bucket\{le="0.01",operation="(\w+)"\} (\d+)$/gm
  for (const [, operation, under] of text.matchAll(quick)) {
    const all = new RegExp(`_seconds_count\\{operation="${operation}"\\} (\\d+)`).exec(text)?.[1]
    console.log(`${operation?.padEnd(44)} ${under} of ${all} in less than 10 ms`)
  }
}

type Call = (path: string) => ReturnType<typeof send>

async function listPaths(tenant: string, org: string, call: Call): Promise<[name: string, path: string][]> {
  const last = accounts - 1
  const found = await call(queryPath('users', `cd_user_id==loaded-${last}`))
  const [user] = jsonOf<{ items: { user_id: string; canonical_user_id: string }[] }>(found).items
  const users = `/api/v1/tenants/${tenant}/users`
  const { user_id = '', canonical_user_id = '' } = user ?? {}
  const terms = `tenant_id==${tenant};cd_tenant_id==${org}`
  return [
    ['getUserWithId', `${users}/${user_id}`],
    ['getUserWithCanonicalID', `/api/v1/users/${encodeURIComponent(canonical_user_id)}`],
    ['getCredential', `/api/v1/s3credentials/LOADED${last}`],
    ['listUsers, first page', users],
    ['listUsers, the middle', `${users}?offset=${accounts >> 1}`],
    ['listUsers, last page', `${users}?offset=${accounts - 100}`],
    ['queryUsers, all', `/api/v1/users/query?offset=${accounts - 100}`],
    ['queryUsers, the first use of a user', queryPath('users', `${terms};cd_user_id==loaded-${last}`)],
    ['queryUsers, an org', queryPath('users', `cd_tenant_id==${org}`)],
    ['queryUsers, org and tenant', queryPath('users', terms)],
    [
      'queryUsers, active of both, the middle',
      `${queryPath('users', `${terms};active==true`)}&offset=${accounts >> 1}`,
    ],
    ['queryUsers, a user', queryPath('users', `${terms};user_id==${user_id}`)],
    ['queryUsers, a username', queryPath('users', `${terms};username==user number ${last}`)],
    ['queryUsers, a display name', queryPath('users', `${terms};display_name==user number ${last}`)],
    ['queryUsers, all suspended', queryPath('users', 'active==false')],
    ['queryUsers, suspended of a tenant', queryPath('users', `tenant_id==${tenant};active==false`)],
    ['queryUsers, suspended of an org', queryPath('users', `cd_tenant_id==${org};active==false`)],
    ['queryUsers, nobody', queryPath('users', `${terms};cd_user_id==nobody`)],
    ['listCredentials', `${users}/${user_id}/s3credentials`],
    ['queryCredentials, all, the middle', `/api/v1/s3credentials/query?offset=${accounts >> 1}`],
    ['queryCredentials, a user', queryPath('s3credentials', `${terms};user_id==${user_id}`)],
    [
      'queryCredentials, a Cloud Director user',
      queryPath('s3credentials', `${terms};cd_user_id==loaded-${last}`),
    ],
    ['queryCredentials, a tenant', queryPath('s3credentials', `tenant_id==${tenant}`)],
    ['queryCredentials, an org', queryPath('s3credentials', `cd_tenant_id==${org}`)],
    ['queryCredentials, org and tenant, active', queryPath('s3credentials', `${terms};active==true`)],
    ['queryCredentials, an access key', queryPath('s3credentials', `access_key==LOADED${last}`)],
    ['queryTenants, an org', queryPath('tenants', `cd_tenant_id==${org}`)],
  ]
}

function queryPath(of: string, filter: string): string {
  return `/api/v1/${of}/query?filter=${encodeURIComponent(filter)}`
}
