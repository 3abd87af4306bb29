import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { startCluster } from '../testing/postgres-cluster.ts'
import { getToken, type Init, serve, usherJson } from '../testing/usher.ts'
import { type Endpoint, type Figures, GENERATORS, load } from './generators.ts'
import { runPgbench, writeScript } from './pgbench.ts'

/**
 * How many durable, validated, authenticated and audited creates Usher does in a second. On SQLite against a bare
 * node:http server under the same load, and with a large directory against a small one; on PostgreSQL against what
 * pgbench reaches with the same rows. Bars: docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'sqlite' },
    database: { type: 'string' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
    generator: { type: 'string', default: 'autocannon' },
    'skip-million': { type: 'boolean', default: false },
    directory: { type: 'string', default: '.' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const connections = Number(values.connections)
const generator = GENERATORS.find((one) => one === values.generator)
if (!generator) throw new Error(`--generator must be one of ${GENERATORS.join(', ')}`)

/** Something that creates users, for so many seconds as hard as it can. */
interface Target {
  readonly name: string
  load(seconds: number): Promise<Figures>
  stop(): Promise<unknown>
}

const work = mkdtempSync(join(values.directory, '.bench-'))
try {
  console.log(
    `${generator}, ${connections} connections, ${rounds} rounds of ${seconds} s each, Node ${process.version}, ` +
      `${cpus().length} × ${cpus()[0]?.model}`,
  )
  if (values.engine === 'postgres') await benchPostgres()
  else await benchSqlite()
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function benchSqlite(): Promise<void> {
  const small = join(work, 'small')
  const init = await usherJson<Init>(small, ['init'])
  await loadUsers({ USHER_DATA_DIR: small }, 10_000)
  const large = values['skip-million'] ? null : join(work, 'large')
  if (large) {
    cpSync(small, large, { recursive: true })
    const begun = Date.now()
    await loadUsers({ USHER_DATA_DIR: large }, 990_000)
    console.log(`loaded 990,000 more users in ${((Date.now() - begun) / 1000).toFixed(1)} s`)
  }
  const usher = await startUsher('Usher, 10,000 users', small, init)
  const bare = await startBare(usher.endpoint)
  await compare(bare, usher, 0.6)
  await bare.stop()
  if (large) {
    const million = await startUsher('Usher, 1,000,000 users', large, init)
    await compare(usher, million, 0.9)
    await million.stop()
  }
  await usher.stop()
}

/** In an empty database of `--database`, or in a server of its own with the settings that it comes with. */
async function benchPostgres(): Promise<void> {
  const cluster = values.database === undefined ? await startCluster() : null
  try {
    const url = cluster?.url ?? values.database ?? ''
    const settings = { USHER_DATABASE_URL: url }
    const dataDir = join(work, 'data')
    const init = await usherJson<Init>(dataDir, ['init'], settings)
    await loadUsers({ ...settings, USHER_DATA_DIR: dataDir }, 10_000)
    const usher = await startUsher('Usher on PostgreSQL', dataDir, init, settings)
    const script = join(work, 'create.sql')
    writeScript(script)
    const pgbench: Target = {
      name: 'pgbench',
      load: (time) => runPgbench(url, script, { connections, seconds: time }),
      stop: async () => undefined,
    }
    await compare(pgbench, usher, 0.7)
    await usher.stop()
  } finally {
    await cluster?.end()
  }
}

async function loadUsers(settings: Readonly<Record<string, string>>, users: number): Promise<void> {
  const script = join(import.meta.dirname, 'load-users.ts')
  const args = ['--users', String(users), '--domain', `${users}.example`]
  await promisify(execFile)(process.execPath, [script, ...args], { env: { ...process.env, ...settings } })
}

/** The bare server gets the very requests that Usher gets. */
async function startBare(like: Endpoint): Promise<Target> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve) => {
    child.stdout?.once('data', (line) => resolve(String(line).trim()))
  })
  return { ...newTarget('bare node:http', { ...like, url }), stop: async () => child.kill() }
}

async function startUsher(
  name: string,
  dataDir: string,
  init: Init,
  settings: Record<string, string> = {},
): Promise<Target & { endpoint: Endpoint }> {
  const served = await serve(dataDir, { settings: { ...settings, USHER_LOG_LEVEL: 'info' } })
  const token = await getToken(served.url, init.clients.administrator)
  const endpoint = {
    url: served.url,
    path: `/v1/customer/${init.customer.id}/users`,
    headers: { authorization: `Bearer ${token}`, 'x-tenant': init.portal },
    group: init.groups.Viewer,
  }
  return { ...newTarget(name, endpoint), endpoint, stop: () => served.stop() }
}

function newTarget(name: string, endpoint: Endpoint): Omit<Target, 'stop'> {
  return {
    name,
    load: (time) => load(endpoint, { generator: generator ?? 'autocannon', connections, seconds: time }),
  }
}

/** A B A B, so that whatever else the machine does meets both. */
async function compare(a: Target, b: Target, bar: number): Promise<void> {
  await a.load(2)
  await b.load(2)
  const figures: [Figures[], Figures[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    figures[0].push(await a.load(seconds))
    figures[1].push(await b.load(seconds))
  }
  const [first, second] = [middle(figures[0]), middle(figures[1])]
  const ratio = second.perSecond / first.perSecond
  console.log()
  console.log('                          creates/s    p50 ms    p99 ms    of the first')
  console.log(row(a.name, first, ''))
  console.log(row(b.name, second, `${ratio.toFixed(2)} (bar ${bar}: ${ratio >= bar ? 'met' : 'missed'})`))
}

function row(name: string, { perSecond, p50, p99 }: Figures, note: string): string {
  const [middle, last] = [p50, p99].map((ms) => (ms === null ? '-' : ms.toFixed(1)).padStart(10))
  return `${name.padEnd(24)}${perSecond.toFixed(0).padStart(11)}${middle}${last}    ${note}`.trimEnd()
}

/** The round in the middle by its rate. */
function middle(rounds: readonly Figures[]): Figures {
  const sorted = rounds.toSorted((one, other) => one.perSecond - other.perSecond)
  const found = sorted[Math.floor(sorted.length / 2)]
  if (!found) throw new Error('no rounds')
  return found
}
