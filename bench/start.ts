import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startServing } from '../testing/children.ts'
import { newDataDir } from '../testing/usher.ts'

/**
 * How long a start takes to the first response, and how much processor time, compared with a bare `node -e 0` in the
 * same run: `node bench/start.ts --rounds 20`. As root it also starts as a service user, who may not write to the
 * installation. Linux only, because it reads processor times from /proc. Bars: docs/performance.md.
 */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } })
const rounds = Number(values.rounds)
const WARM_UP = 3
const NOBODY = 65534

/** What one start took, in milliseconds. */
interface Start {
  readonly wall: number
  readonly processor: number
}

const isRoot = process.getuid?.() === 0
const owner = newDataDir()
const service = newDataDir()
try {
  await main()
} finally {
  owner.remove()
  service.remove()
}

async function main(): Promise<void> {
  if (isRoot) chownSync(service.path, NOBODY, NOBODY)
  const runs: readonly (readonly [name: string, run: () => Promise<Start>])[] = [
    ['node -e 0', startNode],
    ['usher serve, owner', () => startUsher(owner.path)],
    ...(isRoot ? [['usher serve, service user', () => startUsher(service.path, NOBODY)] as const] : []),
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
  const settings = { HOME: '/nonexistent', XDG_CACHE_HOME: '' }
  const child = await startServing(dataDir, { settings, ...(uid !== undefined && { uid }) })
  await (await fetch(`${child.at}/healthz`)).text()
  const wall = performance.now() - begun
  const processor = readProcessorMs(child.process.pid ?? 0)
  child.process.kill('SIGTERM')
  await child.ended
  return { wall, processor }
}

/** The time that all threads of a process have run so far. */
function readProcessorMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const times = threads.map((id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0])
  return times.reduce((sum, ns) => sum + Number(ns) / 1e6, 0)
}

function report(all: readonly { readonly name: string; readonly starts: readonly Start[] }[]): void {
  const median = (starts: readonly Start[], of: keyof Start): number =>
    starts.map((start) => start[of]).sort((one, other) => one - other)[starts.length >> 1] ?? 0
  const base = all[0]?.starts ?? []
  console.log(`medians of ${rounds}           wall ms   of node -e 0   processor ms`)
  for (const { name, starts } of all) {
    const wall = median(starts, 'wall')
    const ratio = (wall / median(base, 'wall')).toFixed(1)
    console.log(
      `${name.padEnd(26)} ${wall.toFixed(0).padStart(7)} ${ratio.padStart(14)} ${median(starts, 'processor').toFixed(0).padStart(14)}`,
    )
  }
  const [, ofOwner, ofService] = all.map(({ starts }) => median(starts, 'processor'))
  if (ofOwner && ofService) {
    const more = (100 * (ofService / ofOwner - 1)).toFixed(1)
    console.log(`processor time of the service user, compared with the owner: ${more} % more`)
  }
}
