import { availableParallelism } from 'node:os'
import { withGateway } from '../../testing/ceph-rgw.ts'
import { withCores } from '../affinity.ts'
import { compareOsis, type OsisFigures, type OsisPair, warmUp, withOsisPair } from '../osis-rounds.ts'
import { findPids } from '../peers/peer.ts'
import { median, toRange } from '../quantiles.ts'
import { assertInstalled, type Bench, toLine, toMs, toRate, Unavailable } from './row.ts'

const LEVELS = [8, 32]
const WARM_UP_LEVEL = 32

/** OSIS creates to a working key against the gateway alone, with the gateway on a core of its own. */
export async function measureOsis(bench: Bench): Promise<void> {
  assertInstalled('taskset')
  if (availableParallelism() < 2) throw new Unavailable('there is only one core')
  if (!process.env.USHER_TEST_CEPH_RGW_URL) assertInstalled('ceph-mon', 'ceph-osd', 'radosgw')
  await withGateway(async (settings) => {
    const gateway = findPids(settings.USHER_TEST_CEPH_RGW_DIR ?? 'radosgw')
    if (gateway.length === 0) throw new Unavailable('the gateway does not run on this machine')
    await withCores(gateway, () => withOsisPair(settings, bench.work, (pair) => measure(bench, pair)))
  })
}

async function measure(bench: Bench, pair: OsisPair): Promise<void> {
  const { osis } = bench.scale
  await warmUp(pair, WARM_UP_LEVEL, osis.warmUp)
  const cpus: { level: number; cpuMs: number }[] = []
  for (const level of LEVELS) {
    const { a, b } = await compareOsis(pair, level, { ...osis, signal: bench.signal })
    const of = (figures: readonly OsisFigures[], member: keyof OsisFigures): number =>
      median(figures.map((one) => one[member]))
    const ratios = b.map(({ perSecond }, i) => perSecond / (a[i]?.perSecond ?? Number.NaN))
    cpus.push({ level, cpuMs: of(b, 'cpuMs') })
    bench.report(
      toLine(`OSIS create to a working key / RGW alone, ${level} at once`, median(ratios), {
        measured: toRange(ratios),
        atLeast: 0.95,
        how:
          `${toRate(of(b, 'perSecond'))} and ${toRate(of(a, 'perSecond'))} creates/s, p99 ${toMs(of(b, 'p99'))} and ` +
          `${toMs(of(a, 'p99'))}; gateway, OSD and monitor on core 0, Usher and the client on the other, both sides the ` +
          `same; ${osis.rounds} rounds of ${osis.seconds} s in turn; keys tried on S3`,
      }),
    )
  }
  for (const { level, cpuMs } of cpus)
    bench.report(
      toLine(`CPU of Usher for one OSIS create, ${level} at once`, cpuMs, {
        measured: `${cpuMs.toFixed(2)} ms`,
        atMost: 0.9,
        unit: ' ms',
        how: 'all threads of Usher by /proc, user and system; median of the same rounds',
      }),
    )
}
