import { fillDirectory } from '../directories.ts'
import { type Figures, loadAtRate } from '../generators.ts'
import { median, quantile, toRange } from '../quantiles.ts'
import { loadInTurn, mediansOf, ratiosOf } from '../rounds.ts'
import { type HttpTarget, startBare, startUsher } from '../targets.ts'
import { cpuByThread } from '../threads.ts'
import { assertGenerator, type Bench, describeLoad, toLine, toMs, toRate } from './row.ts'

/** Creates on SQLite: their rate, how it depends on the number of users, and how long one takes. */
export async function measureCreates(bench: Bench): Promise<void> {
  assertGenerator(bench)
  const { small, large } = bench.scale.users
  const start = async (users: number): Promise<HttpTarget> =>
    startUsher(`Usher, ${toRate(users)} users`, await fillDirectory(bench, users), bench)
  const targets: HttpTarget[] = []
  try {
    const usher = await start(small)
    targets.push(usher)
    targets.push(await startBare(usher.endpoint, bench))
    targets.push(await start(large))
    const { scale, signal } = bench
    const [ours = [], bare = [], many = []] = await loadInTurn(targets, { ...scale, signal })
    reportRates(bench, { ours, bare, many })
    await Promise.all(targets.splice(1).map((one) => one.stop()))
    await reportCpu(bench, usher)
    await reportHalfRate(bench, usher, mediansOf(ours).perSecond / 2)
  } finally {
    await Promise.all(targets.map((one) => one.stop()))
  }
}

function reportRates(
  bench: Bench,
  { ours, bare, many }: Record<'ours' | 'bare' | 'many', readonly Figures[]>,
): void {
  const { small, large } = bench.scale.users
  const [one, other, third] = [mediansOf(ours), mediansOf(bare), mediansOf(many)]
  const load = `${describeLoad(bench)}, the other servers stopped meanwhile; ratio of each round, median (lowest–highest)`
  const ratios = ratiosOf(ours, bare)
  bench.report(
    toLine(`create / bare node:http, ${toRate(small)} users`, median(ratios), {
      measured: toRange(ratios),
      atLeast: 0.55,
      how: `${toRate(one.perSecond)} and ${toRate(other.perSecond)} creates/s; ${load}`,
    }),
  )
  const growth = ratiosOf(many, ours)
  bench.report(
    toLine(`create at ${toRate(large)} users / at ${toRate(small)}`, median(growth), {
      measured: toRange(growth),
      atLeast: 0.95,
      how: `${toRate(third.perSecond)} and ${toRate(one.perSecond)} creates/s; in the same rounds`,
    }),
  )
  const p99 = ours.map((round) => Number(round.p99))
  bench.report(
    toLine('p99 of a create at that rate', median(p99), {
      measured: `${toRange(p99, 1)} ms`,
      atMost: 12,
      unit: ' ms',
      how:
        `p50 ${toMs(one.p50)}, bare node:http p99 ${toMs(other.p99)}; same rounds, median (lowest–highest); ` +
        'wrk adds what requests would have waited that it could not send (stats_correct)',
    }),
  )
}

async function reportHalfRate(bench: Bench, usher: HttpTarget, perSecond: number): Promise<void> {
  const { rounds, seconds } = bench.scale
  const { connections } = bench
  const figures: Figures[] = []
  for (let round = 0; round < rounds && !bench.signal.aborted; round++)
    figures.push(await loadAtRate(usher.endpoint, { perSecond, connections, seconds }))
  const p99 = figures.map((one) => Number(one.p99))
  bench.report(
    toLine('p99 of a create at half that rate', median(p99), {
      measured: `${toRange(p99, 1)} ms`,
      atMost: 4,
      unit: ' ms',
      how:
        `${toRate(perSecond)} creates/s, constant, p50 ${toMs(mediansOf(figures).p50)}; ${rounds} rounds of ${seconds} s over ` +
        `${connections} connections, open loop: each request counts from when it was due`,
    }),
  )
}

/** Says what one create costs each thread, for the model of more cores in docs/performance.md. */
async function reportCpu(bench: Bench, usher: HttpTarget): Promise<void> {
  const before = cpuByThread(usher.process.pid ?? 0)
  const { seconds } = bench.scale
  const { perSecond } = await usher.load(seconds)
  const after = cpuByThread(usher.process.pid ?? 0)
  const creates = perSecond * seconds
  const costs = [...after].map(([name, us]) => [name, (us - (before.get(name) ?? 0)) / creates] as const)
  const all = costs.reduce((sum, [, us]) => sum + us, 0)
  const least = quantile([1, all / 100], 1)
  const shown = costs.filter(([, us]) => us >= least).toSorted(([, one], [, other]) => other - one)
  bench.report({
    what: 'CPU of one create',
    measured: `${all.toFixed(0)} µs`,
    bar: '',
    isMet: null,
    how: `${shown.map(([name, us]) => `${name} ${us.toFixed(0)}`).join(', ')}; by /proc, ${seconds} s at full rate`,
  })
}
