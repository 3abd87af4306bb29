import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { AdminClient, type CephRgwSettings } from '../src/platform/ceph-rgw/admin-client.ts'
import { type GatewaySettings, withGateway } from '../testing/ceph-rgw.ts'
import { type Creator, newDirectCreator, newOsisCreator, removeUsers, works } from './osis-creators.ts'

/**
 * Measures how many users with a working key are created per second on a real Ceph RGW: by OSIS through Usher, and by
 * the cheapest call of the gateway's Admin API alone. testing/ceph-rgw.ts finds or starts the gateway. The users are
 * removed afterwards. Bar: docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '1,8,32' },
    directory: { type: 'string', default: '.' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const levels = values.concurrency.split(',').map(Number)
const BAR = 0.8
const WARM_UP = { level: 32, seconds: 15 }
/** How many users' keys of each round are tried on S3. */
const SAMPLE = 5

interface Figures {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

let interrupted = false
process.on('SIGINT', () => {
  interrupted = true
})
await withGateway(main)

async function main(settings: GatewaySettings): Promise<void> {
  const url = settings.USHER_TEST_CEPH_RGW_URL ?? ''
  const gateway: CephRgwSettings = {
    url,
    accessKey: settings.USHER_TEST_CEPH_RGW_ACCESS_KEY ?? '',
    secretKey: settings.USHER_TEST_CEPH_RGW_SECRET_KEY ?? '',
    s3Url: url,
  }
  const admin = new AdminClient(gateway)
  const work = mkdtempSync(join(values.directory, '.bench-'))
  const direct = newDirectCreator(admin)
  const osis = await newOsisCreator(work, gateway)
  try {
    console.log(
      `${rounds} rounds of ${seconds} s each, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`,
    )
    console.log('               Admin API alone             OSIS through Usher')
    console.log('at once   creates/s   p50 ms   p99 ms   creates/s   p50 ms   p99 ms   ratio (of the rounds)')
    // A program compiles its code during its first thousands of calls, on the cores that all share.
    for (const creator of [direct, osis]) await load(creator, WARM_UP.level, url, WARM_UP.seconds)
    for (const level of levels) if (!interrupted) await compare(direct, osis, url, level)
  } finally {
    await osis.stop()
    // A gateway that was started for this is removed as a whole.
    if (!settings.USHER_TEST_CEPH_RGW_DIR) await removeUsers(admin, [direct.tenantId, osis.tenantId])
    rmSync(work, { recursive: true, force: true })
  }
}

/** Runs both in turns, so that other load on the machine affects both. The ratio is the median of the rounds. */
async function compare(direct: Creator, osis: Creator, s3Url: string, level: number): Promise<void> {
  await load(direct, level, s3Url, 1)
  await load(osis, level, s3Url, 1)
  const pairs: { a: Figures; b: Figures; ratio: number }[] = []
  for (let round = 0; round < rounds && !interrupted; round++) {
    const a = await load(direct, level, s3Url, seconds)
    const b = await load(osis, level, s3Url, seconds)
    pairs.push({ a, b, ratio: b.perSecond / a.perSecond })
  }
  const ratios = pairs.map(({ ratio }) => ratio).toSorted((one, other) => one - other)
  const ratio = middle(ratios)
  const range = `${ratios[0]?.toFixed(2)}–${ratios.at(-1)?.toFixed(2)}`
  const verdict = `bar ${BAR}: ${ratio >= BAR ? 'met' : 'missed'}`
  const cells = [toCells(pairs.map(({ a }) => a)), toCells(pairs.map(({ b }) => b))].join('')
  console.log(`${String(level).padStart(7)}${cells}    ${ratio.toFixed(2)} (${range}; ${verdict})`)
}

/** Creates users for `time` seconds, `level` at the same time, and tries some of the keys. */
async function load(creator: Creator, level: number, s3Url: string, time: number): Promise<Figures> {
  const created: string[] = []
  const times: number[] = []
  const begun = performance.now()
  const end = begun + time * 1000
  await Promise.all(
    Array.from({ length: level }, async () => {
      while (performance.now() < end) {
        const at = performance.now()
        created.push(await creator.create(randomUUID()))
        times.push(performance.now() - at)
      }
    }),
  )
  const perSecond = (created.length / (performance.now() - begun)) * 1000
  for (let i = 0; i < SAMPLE; i++) {
    const user = created[Math.floor((i * created.length) / SAMPLE)] ?? ''
    if (!(await works(s3Url, await creator.keyOf(user))))
      throw new Error(`${creator.name}: a key does not work`)
  }
  times.sort((one, other) => one - other)
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
  return { perSecond, p50: at(0.5), p99: at(0.99) }
}

function toCells(figures: readonly Figures[]): string {
  const of = (member: keyof Figures): number =>
    middle(figures.map((one) => one[member]).toSorted((one, other) => one - other))
  return (
    of('perSecond').toFixed(0).padStart(12) +
    of('p50').toFixed(1).padStart(9) +
    of('p99').toFixed(1).padStart(9)
  )
}

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
