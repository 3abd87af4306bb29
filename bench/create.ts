import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import autocannon from 'autocannon'
import { getToken, type Init, serve, usherJson } from '../test/support/usher.ts'

/**
 * How many durable, validated, authenticated and audited creates Usher does in a second, against a bare node:http
 * server under the same load; and whether a large directory slows it down. Bars: docs/performance.md.
 */
const { values } = parseArgs({
  options: {
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

interface Target {
  readonly name: string
  readonly url: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly group: string
  stop(): Promise<unknown>
}

interface Figures {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

const work = mkdtempSync(join(values.directory, '.bench-'))
try {
  await main()
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function main(): Promise<void> {
  const small = join(work, 'small')
  const init = await usherJson<Init>(small, ['init'])
  await loadUsers(small, 10_000)
  const large = values['skip-million'] ? null : join(work, 'large')
  if (large) {
    cpSync(small, large, { recursive: true })
    const begun = Date.now()
    await loadUsers(large, 990_000)
    console.log(`loaded 990,000 more users in ${((Date.now() - begun) / 1000).toFixed(1)} s`)
  }
  console.log(
    `${values.generator}, ${connections} connections, ${rounds} rounds of ${seconds} s each, Node ${process.version}, ` +
      `${cpus().length} × ${cpus()[0]?.model}`,
  )
  const usher = await startUsher('Usher, 10,000 users', small, init)
  const bare = await startBare(usher)
  await compare(bare, usher, 0.6)
  await bare.stop()
  if (large) {
    const million = await startUsher('Usher, 1,000,000 users', large, init)
    await compare(usher, million, 0.9)
    await million.stop()
  }
  await usher.stop()
}

async function loadUsers(dataDir: string, users: number): Promise<void> {
  const script = join(import.meta.dirname, 'load-users.ts')
  const args = [
    '--database',
    `sqlite:${dataDir}/usher.db`,
    '--users',
    String(users),
    '--domain',
    `${users}.example`,
  ]
  await promisify(execFile)(process.execPath, [script, ...args])
}

/** The bare server gets the very requests that Usher gets. */
async function startBare(like: Target): Promise<Target> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve) => {
    child.stdout?.once('data', (line) => resolve(String(line).trim()))
  })
  return { ...like, name: 'bare node:http', url, stop: async () => child.kill() }
}

async function startUsher(name: string, dataDir: string, init: Init): Promise<Target> {
  const served = await serve(dataDir, { settings: { USHER_LOG_LEVEL: 'info' } })
  const token = await getToken(served.url, init.clients.administrator)
  return {
    name,
    url: served.url,
    path: `/v1/customer/${init.customer.id}/users`,
    headers: { authorization: `Bearer ${token}`, 'x-tenant': init.portal },
    group: init.groups.Viewer,
    stop: () => served.stop(),
  }
}

/** A B A B, so that whatever else the machine does meets both. */
async function compare(a: Target, b: Target, bar: number): Promise<void> {
  await load(a, 2)
  await load(b, 2)
  const figures: [Figures[], Figures[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    figures[0].push(await load(a, seconds))
    figures[1].push(await load(b, seconds))
  }
  const [first, second] = [middle(figures[0]), middle(figures[1])]
  const ratio = second.perSecond / first.perSecond
  console.log()
  console.log('                          creates/s    p50 ms    p99 ms    of the first')
  console.log(row(a.name, first, ''))
  console.log(row(b.name, second, `${ratio.toFixed(2)} (bar ${bar}: ${ratio >= bar ? 'met' : 'missed'})`))
}

function row(name: string, { perSecond, p50, p99 }: Figures, note: string): string {
  return (
    name.padEnd(24) +
    perSecond.toFixed(0).padStart(11) +
    p50.toFixed(1).padStart(10) +
    p99.toFixed(1).padStart(10) +
    `    ${note}`
  )
}

/** The round in the middle by its rate. */
function middle(rounds: readonly Figures[]): Figures {
  const sorted = rounds.toSorted((one, other) => one.perSecond - other.perSecond)
  const found = sorted[Math.floor(sorted.length / 2)]
  if (!found) throw new Error('no rounds')
  return found
}

function load(target: Target, duration: number): Promise<Figures> {
  return values.generator === 'wrk' ? loadByWrk(target, duration) : loadByAutocannon(target, duration)
}

/** A body that no create had before; its e-mail address falls anywhere in the index. */
function newBody(group: string): string {
  const word = randomBytes(8).toString('hex')
  return (
    `{"firstName":"Ada","lastName":"Lovelace","email":"${word}@bench.example","role":{},` +
    `"groups":[{"id":"${group}","name":"Viewer"}]}`
  )
}

async function loadByAutocannon(target: Target, duration: number): Promise<Figures> {
  const headers = { 'content-type': 'application/json', ...target.headers }
  const result = await autocannon({
    url: target.url,
    connections,
    duration,
    requests: [
      {
        method: 'POST',
        path: target.path,
        headers,
        setupRequest: (request) => ({ ...request, body: newBody(target.group) }),
      },
    ],
  })
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${target.name}: ${result.non2xx} refused, ${result.errors} failed`)
  }
  return { perSecond: result['2xx'] / result.duration, p50: result.latency.p50, p99: result.latency.p99 }
}

/** wrk, where it is installed: it takes a tenth of a core where autocannon takes a whole one. */
async function loadByWrk(target: Target, duration: number): Promise<Figures> {
  const script = join(import.meta.dirname, 'create.lua')
  const args = ['-t1', `-c${connections}`, `-d${duration}s`, '--latency', '-s', script, target.url]
  const env = {
    ...process.env,
    BENCH_PATH: target.path,
    BENCH_GROUP: target.group,
    BENCH_AUTHORIZATION: target.headers.authorization ?? '',
    BENCH_TENANT: target.headers['x-tenant'] ?? '',
    BENCH_SEED: String(randomBytes(4).readUInt32LE()),
  }
  const { stdout } = await promisify(execFile)('wrk', args, { env })
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${target.name}: ${stdout}`)
  const found = /created (\d+) in (\d+) us, p50 (\d+) us, p99 (\d+) us/.exec(stdout)
  if (!found) throw new Error(stdout)
  const [, created, us, p50, p99] = found.map(Number)
  return { perSecond: (Number(created) / Number(us)) * 1e6, p50: Number(p50) / 1000, p99: Number(p99) / 1000 }
}
