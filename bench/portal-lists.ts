import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { programEnvironment } from '../testing/environment.ts'
import { send } from '../testing/http.ts'
import { type ClientSecret, getToken, type Init, type Settings, serve, usherJson } from '../testing/usher.ts'
import { type Call, type List, listLists, type Readers } from './portal-paths.ts'
import { inWorkDirectory } from './work-directory.ts'

/**
 * How long lists, searches and single reads of the partner portal take inside the server, with very many users,
 * customers and audit entries: `node bench/portal-lists.ts --keep DIR --engine postgres`. Bars: docs/performance.md.
 * The first run with `--keep` loads the directory; later runs use it again.
 */
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '1000000' },
    customers: { type: 'string', default: '10000' },
    entries: { type: 'string', default: '1000000' },
    calls: { type: 'string', default: '200' },
    engine: { type: 'string', default: 'sqlite' },
    directory: { type: 'string', default: '.' },
    keep: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const calls = Number(values.calls)
const WARM_UP = 5
/** The calls of a list end after this time. */
const MAX_MS = 5_000
const { keep, ...place } = values

await inWorkDirectory({ ...place, ...(keep !== undefined && { keep }) }, main)

/** Who the bench reads as. */
interface Loaded {
  readonly portals: Readonly<Record<keyof Readers, string>>
  readonly organizations: Readonly<Record<keyof Readers, string>>
  readonly clients: Readonly<Record<keyof Readers, ClientSecret>>
}

async function main(work: string, settings: Settings): Promise<void> {
  const file = join(work, 'loaded.json')
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(await load(work, settings)))
  const loaded = JSON.parse(readFileSync(file, 'utf8')) as Loaded
  const times = join(work, 'times.json')
  const NODE_OPTIONS = `--import=${join(import.meta.dirname, 'request-times.ts')}`
  const usher = await serve(work, { settings: { ...settings, NODE_OPTIONS, BENCH_TIMES: times } })
  const readers = {} as Record<keyof Readers, Call>
  for (const name of Object.keys(loaded.clients) as (keyof Readers)[]) {
    const token = await getToken(usher.url, loaded.clients[name])
    const headers = { authorization: `Bearer ${token}`, 'x-tenant': loaded.portals[name] }
    readers[name] = (path) => send(usher.url, { method: 'GET', path, headers })
  }
  const lists = await listLists(readers, loaded.organizations)
  for (const list of lists.filter(({ name }) => new RegExp(values.only).test(name))) {
    for (let i = 0; i < WARM_UP; i++) await callList(list, readers)
    writeFileSync(times, '')
    const until = performance.now() + MAX_MS
    let count = 0
    for (; count < calls && performance.now() < until; count++) await callList(list, readers)
    report(list.name, readFileSync(times, 'utf8').trim().split('\n').map(Number))
  }
  await usher.stop()
}

async function callList({ name, reader, path }: List, readers: Readers): Promise<void> {
  const response = await readers[reader](path)
  if (response.status !== 200) throw new Error(`${name}: ${response.status} ${response.text}`)
}

function report(name: string, times: number[]): void {
  times.sort((one, other) => one - other)
  const at = (share: number): string =>
    (times[Math.min(Math.floor(times.length * share), times.length - 1)] ?? 0).toFixed(1).padStart(7)
  console.log(`${name.padEnd(64)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   most ${at(1)} ms`)
}

/** Loads a new directory, and makes a client for each reader. */
async function load(work: string, settings: Settings): Promise<Loaded> {
  const init = await usherJson<Init>(work, ['init'], settings)
  const env = await programEnvironment(work, settings)
  for (const [script, ...args] of [
    ['load-people.ts', '--users', values.users, '--customers', values.customers],
    ['load-audit.ts', '--entries', values.entries, '--customers', values.customers],
  ] as const) {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, script), ...args],
      { env },
    )
    process.stdout.write(stdout)
  }
  const find = async (kind: string, name: string): Promise<string> => {
    const args = ['organization', 'list', '--kind', kind, '--search', name]
    const found = await usherJson<{ id: string; name: string }[]>(work, args, settings)
    return found.find((one) => one.name === name)?.id ?? ''
  }
  const organizations = {
    provider: init.provider.id,
    reseller: await find('reseller', 'reseller 9'),
    largeReseller: await find('reseller', 'reseller 0'),
    customer: await find('customer', 'customer 17'),
    largeCustomer: await find('customer', 'customer 0'),
  }
  const clients = {} as Record<keyof Readers, ClientSecret>
  for (const name of Object.keys(organizations) as (keyof Readers)[]) {
    const options = ['--organization', organizations[name], '--permission', 'administrator', '--name', name]
    clients[name] = await usherJson<ClientSecret>(work, ['client', 'add', ...options], settings)
  }
  const portals = {} as Record<keyof Readers, string>
  for (const name of Object.keys(organizations) as (keyof Readers)[]) {
    portals[name] = name.endsWith('eseller') ? `${name.toLowerCase()}.example` : init.portal
    if (portals[name] !== init.portal)
      await usherJson(work, ['portal', 'add', portals[name], '--organization', organizations[name]], settings)
  }
  return { portals, organizations, clients }
}
