import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { withGateway } from '../testing/ceph-rgw.ts'
import { cpuOf, memoryOf, type Peer, type Start } from './peers/peer.ts'
import { newRgwPeer } from './peers/rgw.ts'
import { startScimmy } from './peers/scimmy.ts'
import { startSlapd } from './peers/slapd.ts'
import { startUsher } from './peers/usher.ts'

/**
 * How many users Usher and its peers create in a second, and what one create costs: processor time and memory. All get
 * the same load from this process, in turns. A peer that cannot be had here is skipped, with the reason. What their
 * creates do differs: see the last column and docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
    'skip-rgw': { type: 'boolean', default: false },
    directory: { type: 'string', default: '.' },
  },
})
const [users, seconds, rounds, connections] = [
  Number(values.users),
  Number(values.seconds),
  Number(values.rounds),
  Number(values.connections),
]
const WARM_UP_SECONDS = 3

let interrupted = false
process.on('SIGINT', () => {
  interrupted = true
})

interface Figures {
  readonly creates: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Processor time of the peer for one create, in ms. */
  readonly cpuMs: number
  /** The share of one core that this process took. */
  readonly loadShare: number
}

const work = mkdtempSync(join(resolve(values.directory), '.bench-'))
try {
  console.log(
    `${connections} connections, ${rounds} rounds of ${seconds} s each, ${users} users before, Node ${process.version}, ` +
      `${cpus().length} × ${cpus()[0]?.model}\n`,
  )
  console.log('                      creates/s   p50 ms   p99 ms   CPU ms   kB per   load,   a create')
  console.log('                                                  per one   create   cores')
  await compare([
    () => startUsher(join(work, 'usher'), users),
    () => startSlapd(join(work, 'slapd'), users),
    () => startScimmy(join(work, 'scimmy'), users),
  ])
  // It is never idle, so it runs alone.
  if (!values['skip-rgw'])
    await withGateway((settings) => compare([async () => newRgwPeer(settings)])).catch(skip)
} finally {
  rmSync(work, { recursive: true, force: true })
}

function skip(error: Error): void {
  console.log(`skipped: ${error.message.split('\n')[0]}`)
}

/** Loads peers in turns, so that whatever else the machine does meets all, and prints the round in the middle of each. */
async function compare(starts: readonly Start[]): Promise<void> {
  const peers: Peer[] = []
  try {
    for (const start of starts) {
      const peer = await start().catch(skip)
      if (peer) peers.push(peer)
    }
    for (const peer of peers) await load(peer, WARM_UP_SECONDS)
    const measured = peers.map((peer) => ({ peer, before: memoryOf(peer.pids()), figures: [] as Figures[] }))
    for (let round = 0; round < rounds && !interrupted; round++)
      for (const { peer, figures } of measured) figures.push(await load(peer, seconds))
    for (const { peer, before, figures } of measured) print(peer, memoryOf(peer.pids()) - before, figures)
  } finally {
    for (const peer of peers) await peer.stop()
  }
}

/** Creates users for `time` seconds over all connections. Their names are anywhere in the order of names. */
async function load(peer: Peer, time: number): Promise<Figures> {
  const creators = await Promise.all(Array.from({ length: connections }, () => peer.connect()))
  const times: number[] = []
  const cpu = cpuOf(peer.pids())
  const own = process.cpuUsage()
  const begun = performance.now()
  const end = begun + time * 1000
  await Promise.all(
    creators.map(async (creator) => {
      while (performance.now() < end && !interrupted) {
        const at = performance.now()
        await creator.create(randomBytes(8).toString('hex'))
        times.push(performance.now() - at)
      }
    }),
  )
  const passed = performance.now() - begun
  const { user, system } = process.cpuUsage(own)
  const cpuMs = (cpuOf(peer.pids()) - cpu) / times.length
  for (const creator of creators) creator.close()
  times.sort((one, other) => one - other)
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
  return {
    creates: times.length,
    perSecond: (times.length / passed) * 1000,
    p50: at(0.5),
    p99: at(0.99),
    cpuMs,
    loadShare: (user + system) / 1000 / passed,
  }
}

function print({ name, does }: Peer, grown: number, figures: readonly Figures[]): void {
  const sorted = figures.toSorted((one, other) => one.perSecond - other.perSecond)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (!middle) return
  const creates = figures.reduce((sum, one) => sum + one.creates, 0)
  const { perSecond, p50, p99, cpuMs, loadShare } = middle
  const cells = [perSecond.toFixed(0).padStart(11)]
  for (const [value, digits] of [
    [p50, 1],
    [p99, 1],
    [cpuMs, 3],
    [grown / 1000 / creates, 2],
    [loadShare, 2],
  ] as const)
    cells.push(value.toFixed(digits).padStart(9))
  console.log(`${name.padEnd(20)}${cells.join('')}   ${does}`)
}
