import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { programEnvironment } from '../testing/environment.ts'
import { jsonOf, send } from '../testing/http.ts'
import { getToken, type Init, type Settings, serve, usherJson } from '../testing/usher.ts'
import { inWorkDirectory } from './work-directory.ts'

/**
 * How long lists, searches and single reads of the partner portal take with very many users, as a client on the same
 * machine sees it: `node bench/portal-lists.ts --users 1000000 --customers 10000 --engine postgres`. Bars:
 * docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '1000000' },
    customers: { type: 'string', default: '10000' },
    calls: { type: 'string', default: '200' },
    engine: { type: 'string', default: 'sqlite' },
    directory: { type: 'string', default: '.' },
  },
})
const users = Number(values.users)
const calls = Number(values.calls)
const WARM_UP = 10

await inWorkDirectory(values, main)

async function main(work: string, settings: Settings): Promise<void> {
  const init = await usherJson<Init>(work, ['init'], settings)
  const script = join(import.meta.dirname, 'load-people.ts')
  const env = await programEnvironment(work, settings)
  const options = ['--users', values.users, '--customers', values.customers]
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...options], { env })
  process.stdout.write(stdout)
  const usher = await serve(work, { settings })
  const token = await getToken(usher.url, init.clients.administrator)
  const headers = { authorization: `Bearer ${token}`, 'x-tenant': init.portal }
  const call = (path: string) => send(usher.url, { method: 'GET', path, headers })
  const organizations = await usherJson<{ id: string; kind: string }[]>(
    work,
    ['organization', 'list', '--kind', 'reseller'],
    settings,
  )
  const reseller = organizations.at(-1)?.id ?? ''
  for (const [name, path] of await listPaths(reseller, call)) {
    for (let i = 0; i < WARM_UP; i++) await call(path)
    const times: number[] = []
    for (let i = 0; i < calls; i++) {
      const begun = performance.now()
      const answer = await call(path)
      times.push(performance.now() - begun)
      if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${answer.text}`)
    }
    times.sort((one, other) => one - other)
    const at = (share: number): string => (times[Math.floor(calls * share)] ?? 0).toFixed(1).padStart(7)
    console.log(`${name.padEnd(44)} p50 ${at(0.5)} ms   p90 ${at(0.9)} ms   p99 ${at(0.99)} ms`)
  }
  await usher.stop()
}

type Call = (path: string) => ReturnType<typeof send>

interface Found {
  readonly items: readonly { readonly id: string; readonly email: string }[]
}

async function listPaths(reseller: string, call: Call): Promise<[name: string, path: string][]> {
  const { items } = jsonOf<Found>(await call(`/v1?pageNumber=${users >> 6}`))
  const [{ id, email } = { id: '', email: '' }] = items
  const last = Math.ceil(users / 25)
  const recent = new Date(Date.now() - 60_000).toISOString()
  return [
    ['one user by id', `/v1/users/${id}`],
    ['one user by e-mail', `/v1/users/${encodeURIComponent(email)}`],
    ['all, first page', '/v1'],
    ['all, page 100', '/v1?pageNumber=100'],
    ['all, the middle', `/v1?pageNumber=${last >> 1}`],
    ['all, last page', `/v1?pageNumber=${last}`],
    ['all, downwards', '/v1?ascendingOrder=false'],
    ['all by e-mail', '/v1?sortPropertyName=Email'],
    ['all by e-mail, the middle', `/v1?sortPropertyName=Email&pageNumber=${last >> 1}`],
    ['100 of all', '/v1?pageSize=100'],
    ['2,000 of all', '/v1?pageSize=2000'],
    ['a reseller’s context', `/v1?resellerId=${reseller}`],
    ['a reseller’s context, page 40', `/v1?resellerId=${reseller}&pageNumber=40`],
    ['search, one person', `/v1?searchValue=${encodeURIComponent(email)}`],
    ['search, three letters of many', '/v1?searchValue=ann'],
    ['search, a name of many', '/v1?searchValue=johnson'],
    ['search, two words', '/v1?searchValue=ada%20lovelace-hopper'],
    ['search, two words by e-mail', '/v1?searchValue=ada%20lovelace-hopper&sortPropertyName=Email'],
    ['search, nobody', '/v1?searchValue=xyzzy'],
    ['search, in everybody', '/v1?searchValue=example'],
    ['search, in everybody, page 100', '/v1?searchValue=example&pageNumber=100'],
    ['search in a reseller’s context', `/v1?searchValue=turing&resellerId=${reseller}`],
    ['groups, one of three', '/v1?groups=Viewer'],
    ['groups and search', '/v1?groups=Administrator&searchValue=grace'],
    ['deleted users', '/v1?state=deleted'],
    ['changed, since the beginning', '/v1?changedSince=2000-01-01T00:00:00Z'],
    ['changed, in the last minute', `/v1?changedSince=${recent}`],
    ['groups', '/v1/users/groups'],
  ]
}
