import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import autocannon from 'autocannon'

export const GENERATORS = ['autocannon', 'wrk'] as const
export type Generator = (typeof GENERATORS)[number]

/** Where creates are sent. */
export interface Endpoint {
  readonly url: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly group: string
}

export interface Figures {
  readonly perSecond: number
  /** Milliseconds; null where they were not measured. */
  readonly p50: number | null
  readonly p99: number | null
}

interface Load {
  readonly generator: Generator
  readonly connections: number
  readonly seconds: number
}

/**
 * Creates users that no create had before, as many as go over so many connections.
 * @throws {Error} when one was refused
 */
export function load(endpoint: Endpoint, { generator, connections, seconds }: Load): Promise<Figures> {
  const run = generator === 'wrk' ? loadByWrk : loadByAutocannon
  return run(endpoint, connections, seconds)
}

/** A body that no create had before; its e-mail address falls anywhere in the index. */
function newBody(group: string): string {
  const word = randomBytes(8).toString('hex')
  return (
    `{"firstName":"Ada","lastName":"Lovelace","email":"${word}@bench.example","role":{},` +
    `"groups":[{"id":"${group}","name":"Viewer"}]}`
  )
}

async function loadByAutocannon(endpoint: Endpoint, connections: number, seconds: number): Promise<Figures> {
  const headers = { 'content-type': 'application/json', ...endpoint.headers }
  const result = await autocannon({
    url: endpoint.url,
    connections,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        path: endpoint.path,
        headers,
        setupRequest: (request) => ({ ...request, body: newBody(endpoint.group) }),
      },
    ],
  })
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${endpoint.url}: ${result.non2xx} refused, ${result.errors} failed`)
  }
  return { perSecond: result['2xx'] / result.duration, p50: result.latency.p50, p99: result.latency.p99 }
}

/** wrk, where it is installed: it takes a tenth of a core where autocannon takes a whole one. */
async function loadByWrk(endpoint: Endpoint, connections: number, seconds: number): Promise<Figures> {
  const script = join(import.meta.dirname, 'create.lua')
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script, endpoint.url]
  const env = {
    ...process.env,
    BENCH_PATH: endpoint.path,
    BENCH_GROUP: endpoint.group,
    BENCH_AUTHORIZATION: endpoint.headers.authorization ?? '',
    BENCH_TENANT: endpoint.headers['x-tenant'] ?? '',
    BENCH_SEED: String(randomBytes(4).readUInt32LE()),
  }
  const { stdout } = await promisify(execFile)('wrk', args, { env })
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${endpoint.url}: ${stdout}`)
  const found = /created (\d+) in (\d+) us, p50 (\d+) us, p99 (\d+) us/.exec(stdout)
  if (!found) throw new Error(stdout)
  const [, created, us, p50, p99] = found.map(Number)
  return { perSecond: (Number(created) / Number(us)) * 1e6, p50: Number(p50) / 1000, p99: Number(p99) / 1000 }
}
