import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { newCreates, prepareCreates } from '../testing/creates.ts'
import { programEnvironment } from '../testing/environment.ts'
import { findUrl, type Init, newDataDir, usherJson } from '../testing/usher.ts'

const NOBODY = 65534
const CALLERS = 32
const ROOT = join(import.meta.dirname, '..')
const SCRIPTS = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts as { start: string }

/** What one start took, in milliseconds. */
export interface Start {
  readonly wall: number
  readonly processor: number
}

/** Equal starts of one program. */
export interface Starts {
  readonly name: string
  readonly starts: readonly Start[]
}

/**
 * Starts a bare `node -e 0`, and Usher by the command of `npm start`: in a directory that is set up, in an empty one and,
 * as root, as a service user. A start ends with the first response.
 * @param warmUp how many starts come before and do not count
 */
export async function measureStarts(rounds: number, warmUp: number): Promise<Starts[]> {
  const isRoot = process.getuid?.() === 0
  const owner = newDataDir()
  const service = newDataDir()
  if (isRoot) chownSync(service.path, NOBODY, NOBODY)
  const runs: readonly (readonly [name: string, run: () => Promise<Start>])[] = [
    ['node -e 0', startNode],
    ['npm start', () => startUsher(owner.path)],
    ['npm start, empty directory', startFirst],
    ...(isRoot ? [['npm start, service user', () => startUsher(service.path, NOBODY)] as const] : []),
  ]
  const starts = runs.map((): Start[] => [])
  try {
    for (let i = -warmUp; i < rounds; i++) {
      for (const [k, [, run]] of runs.entries()) {
        const start = await run()
        if (i >= 0) starts[k]?.push(start)
      }
    }
  } finally {
    owner.remove()
    service.remove()
  }
  return runs.map(([name], k) => ({ name, starts: starts[k] ?? [] }))
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

/**
 * Measures the resident memory of a server that rests, and again after creates through the partner portal.
 * @param rests when it is read, in seconds after the first response
 * @param creates how many; 0 for none
 * @returns the resident memory in MB at each of these times, and as long as the first one after the creates
 */
export async function measureMemory(
  rests: readonly number[],
  creates: number,
): Promise<{ readonly atRest: readonly number[]; readonly afterCreates: number | null }> {
  const { path, remove } = newDataDir()
  try {
    const init = await usherJson<Init>(path, ['init'])
    const { child, url } = await spawnUsher(path)
    await (await fetch(`${url}/healthz`)).text()
    const begun = performance.now()
    const atRest: number[] = []
    for (const seconds of rests) {
      await pause(seconds * 1000 - (performance.now() - begun))
      atRest.push(readResidentMb(child))
    }
    let afterCreates: number | null = null
    if (creates > 0) {
      await createUsers(url, init, creates)
      await pause((rests[0] ?? 0) * 1000)
      afterCreates = readResidentMb(child)
    }
    await stop(child)
    return { atRest, afterCreates }
  } finally {
    remove()
  }
}

async function createUsers(url: string, init: Init, creates: number): Promise<void> {
  const { portal } = newCreates(url, { init, ...(await prepareCreates(url, init)) })
  let next = 0
  const callers = Array.from({ length: CALLERS }, async () => {
    while (next < creates) {
      const { status } = await portal(`user-${next++}@example.com`)
      if (status !== 201) throw new Error(`a create ended with ${status}`)
    }
  })
  await Promise.all(callers)
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
