import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { newCreates, prepareCreates } from '../testing/creates.ts'
import { programEnvironment } from '../testing/environment.ts'
import { findUrl, type Init, newDataDir, usherJson } from '../testing/usher.ts'

/**
 * How long a start takes to the first response, with the worst one, and how much processor time, compared with a bare
 * `node -e 0` in the same run: `node bench/start.ts --rounds 20`. As root it also starts as a service user, who may not
 * write to the installation. Then how much memory is resident at rest, after the start and after 10,000 creates. Linux
 * only, because it reads /proc. Bars: docs/performance.md.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, creates: { type: 'string', default: '10000' } },
})
const rounds = Number(values.rounds)
const creates = Number(values.creates)
const WARM_UP = 3
const NOBODY = 65534
/** How long the server rests before its memory is read, after the first response and after the creates. */
const REST_MS = 5_000
/** After this time V8 has returned what the start left over: it waits 30 s, and then 8 s between collections. */
const LONG_REST_MS = 60_000
const CALLERS = 32
const ROOT = join(import.meta.dirname, '..')
const SCRIPTS = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts as { start: string }

/** What one start took, in milliseconds. */
interface Start {
  readonly wall: number
  readonly processor: number
}

const isRoot = process.getuid?.() === 0
const owner = newDataDir()
const service = newDataDir()
try {
  await measureStarts()
  await measureMemory()
} finally {
  owner.remove()
  service.remove()
}

async function measureStarts(): Promise<void> {
  if (isRoot) chownSync(service.path, NOBODY, NOBODY)
  const runs: readonly (readonly [name: string, run: () => Promise<Start>])[] = [
    ['node -e 0', startNode],
    ['npm start', () => startUsher(owner.path)],
    ['npm start, empty directory', startFirst],
    ...(isRoot ? [['npm start, service user', () => startUsher(service.path, NOBODY)] as const] : []),
  ]
  const starts = runs.map((): Start[] => [])
  for (let i = -WARM_UP; i < rounds; i++) {
    for (const [k, [, run]] of runs.entries()) {
      const start = await run()
      if (i >= 0) starts[k]?.push(start)
    }
  }
  report(runs.map(([name], k) => ({ name, starts: starts[k] ?? [] })))
}

async function startNode(): Promise<Start> {
  const begun = performance.now()
  // The processor time is what Node itself counts at its end.
  const print = 'process.on("exit", () => console.log(process.cpuUsage().user + process.cpuUsage().system))'
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' })
  await once(child, 'exit')
  const wall = performance.now() - begun
  const measured = spawn(process.execPath, ['-e', print], { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  measured.stdout.on('data', (chunk) => {
    text += chunk
  })
  await once(measured, 'close')
  return { wall, processor: Number(text) / 1_000 }
}

async function startUsher(dataDir: string, uid?: number): Promise<Start> {
  const begun = performance.now()
  const { child, url } = await spawnUsher(dataDir, uid)
  await (await fetch(`${url}/healthz`)).text()
  const wall = performance.now() - begun
  const processor = readProcessorMs(child.pid ?? 0)
  await stop(child)
  return { wall, processor }
}

async function startFirst(): Promise<Start> {
  const empty = newDataDir()
  const start = await startUsher(empty.path)
  empty.remove()
  return start
}

/** Runs the command of `npm start`, and waits until Usher listens. */
async function spawnUsher(dataDir: string, uid?: number): Promise<{ child: ChildProcess; url: string }> {
  const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter)
  const child = spawn('sh', ['-c', SCRIPTS.start], {
    cwd: ROOT,
    env: await programEnvironment(dataDir, { PATH, HOME: '/nonexistent', XDG_CACHE_HOME: '' }),
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  })
  let log = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      log += chunk
      const found = findUrl(log)
      if (found) resolve(found)
    })
    child.once('exit', () => reject(new Error(`usher did not start: ${log}`)))
  })
  return { child, url }
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** Measures the resident memory after a start, and again after creates through the partner portal. */
async function measureMemory(): Promise<void> {
  const { path, remove } = newDataDir()
  try {
    const init = await usherJson<Init>(path, ['init'])
    const { child, url } = await spawnUsher(path)
    await (await fetch(`${url}/healthz`)).text()
    await pause(REST_MS)
    console.log(`resident ${REST_MS / 1000} s after the first response: ${readResidentMb(child)} MB`)
    await pause(LONG_REST_MS - REST_MS)
    console.log(`resident ${LONG_REST_MS / 1000} s after the first response: ${readResidentMb(child)} MB`)
    const { portal } = newCreates(url, { init, ...(await prepareCreates(url, init)) })
    let next = 0
    const callers = Array.from({ length: CALLERS }, async () => {
      while (next < creates) {
        const { status } = await portal(`user-${next++}@example.com`)
        if (status !== 201) throw new Error(`a create ended with ${status}`)
      }
    })
    await Promise.all(callers)
    await pause(REST_MS)
    console.log(`resident ${REST_MS / 1000} s after ${creates} creates: ${readResidentMb(child)} MB`)
    await stop(child)
  } finally {
    remove()
  }
}

function readResidentMb({ pid = 0 }: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round((Number(kilobytes) * 1024) / 1e6)
}

/** The time that all threads of a process have run so far. */
function readProcessorMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const times = threads.map((id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0])
  return times.reduce((sum, ns) => sum + Number(ns) / 1e6, 0)
}

function report(all: readonly { readonly name: string; readonly starts: readonly Start[] }[]): void {
  const sorted = (starts: readonly Start[], of: keyof Start): number[] =>
    starts.map((start) => start[of]).sort((one, other) => one - other)
  const median = (starts: readonly Start[], of: keyof Start): number =>
    sorted(starts, of)[starts.length >> 1] ?? 0
  const base = all[0]?.starts ?? []
  console.log(`${rounds} starts, medians           wall ms     worst   of node -e 0   processor ms`)
  for (const { name, starts } of all) {
    const wall = median(starts, 'wall')
    const ratio = (wall / median(base, 'wall')).toFixed(1)
    const worst = sorted(starts, 'wall').at(-1) ?? 0
    const columns = [wall.toFixed(0).padStart(8), worst.toFixed(0).padStart(9), ratio.padStart(14)]
    console.log(
      `${name.padEnd(28)} ${columns.join(' ')} ${median(starts, 'processor').toFixed(0).padStart(14)}`,
    )
  }
  const of = (name: string): readonly Start[] => all.find((one) => one.name === name)?.starts ?? []
  const ofOwner = median(of('npm start'), 'processor')
  const ofService = median(of('npm start, service user'), 'processor')
  if (ofService > 0) {
    const more = (100 * (ofService / ofOwner - 1)).toFixed(1)
    console.log(`processor time of the service user, compared with the owner: ${more} % more`)
  }
}
