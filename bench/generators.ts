import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import autocannon from 'autocannon'
import { runClosedLoop } from './closed-loop.ts'
import { runOpenLoop } from './open-loop.ts'
import { connectHttp } from './peers/http.ts'
import type { Creator } from './peers/peer.ts'
import { quantile } from './quantiles.ts'

/** `sockets` is this process itself, for machines without wrk and for loads shorter than a second. */
export const GENERATORS = ['autocannon', 'wrk', 'sockets'] as const
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
  readonly max: number | null
}

export interface Load {
  readonly generator: Generator
  readonly connections: number
  readonly seconds: number
}

/** Returns whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
}

/**
 * Creates users that no create had before, as many as go over so many connections, each of which sends the next request
 * when it has its response.
 * @throws {Error} when one was refused
 */
export function load(endpoint: Endpoint, { generator, connections, seconds }: Load): Promise<Figures> {
  const run = { wrk: loadByWrk, autocannon: loadByAutocannon, sockets: loadBySockets }[generator]
  return run(endpoint, connections, seconds)
}

/**
 * Creates users at a constant rate over so many connections of this process; see `runOpenLoop`.
 * @throws {Error} when one was refused
 */
export function loadAtRate(
  endpoint: Endpoint,
  { perSecond, connections, seconds }: { perSecond: number; connections: number; seconds: number },
): Promise<Figures> {
  return withCallers(endpoint, connections, async (callers) => {
    const begun = performance.now()
    const times = await runOpenLoop(callers, { perSecond, seconds })
    return toFigures(times, performance.now() - begun)
  })
}

/** A body that no create had before; its e-mail address falls anywhere in the index. */
function newBody(group: string, word = randomBytes(8).toString('hex')): object {
  return {
    firstName: 'Ada',
    lastName: 'Lovelace',
    email: `${word}@bench.example`,
    role: {},
    groups: [{ id: group, name: 'Viewer' }],
  }
}

function loadBySockets(endpoint: Endpoint, connections: number, seconds: number): Promise<Figures> {
  return withCallers(endpoint, connections, async (callers) => {
    const { times, passed } = await runClosedLoop(callers, seconds)
    return toFigures(times, passed)
  })
}

async function withCallers<T>(
  { url, path, headers, group }: Endpoint,
  connections: number,
  run: (callers: readonly (() => Promise<void>)[]) => Promise<T>,
): Promise<T> {
  const sent = { 'content-type': 'application/json', ...headers }
  const create = { url, path, headers: sent, body: (word: string) => newBody(group, word) }
  const creators: Creator[] = []
  try {
    for (let i = 0; i < connections; i++) creators.push(await connectHttp(create))
    return await run(creators.map((one) => () => one.create(randomBytes(8).toString('hex'))))
  } finally {
    for (const one of creators) one.close()
  }
}

function toFigures(times: readonly number[], passed: number): Figures {
  const [p50, p99, max] = [quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1)]
  return { perSecond: (times.length / passed) * 1000, p50, p99, max }
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
        setupRequest: (request) => ({ ...request, body: JSON.stringify(newBody(endpoint.group)) }),
      },
    ],
  })
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${endpoint.url}: ${result.non2xx} refused, ${result.errors} failed`)
  }
  const { p50, p99, max } = result.latency
  return { perSecond: result['2xx'] / result.duration, p50, p99, max }
}

/**
 * wrk, where it is installed: it takes a tenth of a core where autocannon takes a whole one. It adds to its times what
 * the requests would have waited that it could not send during a slow one (`stats_correct` in its source), so its p99
 * has no coordinated omission.
 */
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
  const found = /created (\d+) in (\d+) us, p50 (\d+) us, p99 (\d+) us, max (\d+) us/.exec(stdout)
  if (!found) throw new Error(stdout)
  const [created = 0, us = 0, p50 = 0, p99 = 0, max = 0] = found.slice(1).map(Number)
  return { perSecond: (created / us) * 1e6, p50: p50 / 1000, p99: p99 / 1000, max: max / 1000 }
}
