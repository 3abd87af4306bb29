import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type GatewaySettings, withGateway } from '../testing/ceph-rgw.ts'
import { compareOsis, type OsisFigures, type OsisPair, warmUp, withOsisPair } from './osis-rounds.ts'
import { median, toRange } from './quantiles.ts'

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
const BAR = 0.8
const WARM_UP = { level: 32, seconds: 15 }

const interrupt = new AbortController()
process.on('SIGINT', () => interrupt.abort())
const rounds = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  signal: interrupt.signal,
}
await withGateway((settings: GatewaySettings) => withOsisPair(settings, values.directory, main))

async function main(pair: OsisPair): Promise<void> {
  console.log(
    `${values.rounds} rounds of ${values.seconds} s each, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`,
  )
  console.log('               Admin API alone             OSIS through Usher')
  console.log(
    'at once   creates/s   p50 ms   p99 ms   creates/s   p50 ms   p99 ms   CPU ms   ratio (of the rounds)',
  )
  await warmUp(pair, WARM_UP.level, WARM_UP.seconds)
  for (const level of values.concurrency.split(',').map(Number)) {
    if (interrupt.signal.aborted) return
    const { a, b } = await compareOsis(pair, level, rounds)
    const ratios = b.map(({ perSecond }, i) => perSecond / (a[i]?.perSecond ?? Number.NaN))
    const verdict = `bar ${BAR}: ${median(ratios) >= BAR ? 'met' : 'missed'}`
    const cpu = median(b.map(({ cpuMs }) => cpuMs))
      .toFixed(2)
      .padStart(9)
    console.log(
      `${String(level).padStart(7)}${toCells(a)}${toCells(b)}${cpu}    ${toRange(ratios)}; ${verdict}`,
    )
  }
}

function toCells(figures: readonly OsisFigures[]): string {
  const of = (member: keyof OsisFigures): number => median(figures.map((one) => one[member]))
  return (
    of('perSecond').toFixed(0).padStart(12) +
    of('p50').toFixed(1).padStart(9) +
    of('p99').toFixed(1).padStart(9)
  )
}
