import { join } from 'node:path'
import { type Cluster, startCluster } from '../../testing/postgres-cluster.ts'
import { type Init, usherJson } from '../../testing/usher.ts'
import { cpuByPid } from '../peers/peer.ts'
import { writeScript } from '../pgbench.ts'
import { median, toRange } from '../quantiles.ts'
import { loadInTurn, mediansOf, ratiosOf } from '../rounds.ts'
import { type HttpTarget, loadUsers, newGroup, newPgbench, startUsher } from '../targets.ts'
import { assertGenerator, assertInstalled, type Bench, describeLoad, toLine, toMs, toRate } from './row.ts'

/** Creates on PostgreSQL: against pgbench with the same rows, and in two processes against one. */
export async function measurePostgres(bench: Bench): Promise<void> {
  assertGenerator(bench)
  assertInstalled('pgbench')
  const { scale, signal } = bench
  const cluster = await startCluster()
  const started: HttpTarget[] = []
  try {
    const settings = { USHER_DATABASE_URL: cluster.url }
    const dataDir = join(bench.work, 'postgres')
    const init = await usherJson<Init>(dataDir, ['init'], settings)
    await loadUsers(dataDir, ['--users', String(scale.users.small), '--follow'], settings)
    const script = join(bench.work, 'create.sql')
    writeScript(script)
    const [one, other] = [
      await startUsher('Usher', { dataDir, init, settings }, bench),
      await startUsher('Usher', { dataDir, init, settings }, bench),
    ]
    started.push(one, other)
    const pgbench = newPgbench(cluster.url, script, bench.connections)
    const both = newGroup('two', [one, other], bench)
    const [single = [], alone = [], double = []] = await loadInTurn([one, pgbench, both], {
      ...scale,
      signal,
    })
    const [usher, reference, two] = [mediansOf(single), mediansOf(alone), mediansOf(double)]
    const ratios = ratiosOf(single, alone)
    bench.report(
      toLine('PostgreSQL: create / pgbench', median(ratios), {
        measured: toRange(ratios),
        atLeast: 5.3,
        how:
          `${toRate(usher.perSecond)} creates/s, p99 ${toMs(usher.p99)}, and ${toRate(reference.perSecond)} by pgbench ` +
          `(prepared, the same rows in one transaction); ${describeLoad(bench)}`,
      }),
    )
    const growth = ratiosOf(double, single)
    bench.report({
      what: 'PostgreSQL: two processes / one',
      measured: toRange(growth),
      bar: '',
      isMet: null,
      how: `${toRate(two.perSecond)} creates/s, p99 ${toMs(two.p99)}; half of the connections each, in the same rounds`,
    })
    await reportCpu(bench, { usher: one, idle: other, cluster })
  } finally {
    await Promise.all(started.map((target) => target.stop()))
    await cluster.end()
  }
}

/** Says what one create costs Usher and PostgreSQL, for the model of more cores in docs/performance.md. */
async function reportCpu(
  bench: Bench,
  { usher, idle, cluster }: { usher: HttpTarget; idle: HttpTarget; cluster: Cluster },
): Promise<void> {
  const { seconds } = bench.scale
  const ofUsher = newMeter(() => [usher.process.pid ?? 0])
  const ofPostgres = newMeter(() => cluster.pids())
  idle.pause()
  const { perSecond } = await usher.load(seconds)
  idle.resume()
  const creates = perSecond * seconds
  const [ours, theirs] = [(ofUsher() * 1000) / creates, (ofPostgres() * 1000) / creates]
  bench.report({
    what: 'PostgreSQL: CPU of one create',
    measured: `${(ours + theirs).toFixed(0)} µs`,
    bar: '',
    isMet: null,
    how: `Usher ${ours.toFixed(0)}, PostgreSQL ${theirs.toFixed(0)}; one process, by /proc, ${seconds} s at full rate`,
  })
}

/** Returns a function that says how long processes have run since, in ms. Processes of PostgreSQL come and go. */
function newMeter(pids: () => readonly number[]): () => number {
  const before = cpuByPid(pids())
  return () => {
    const now = [...cpuByPid(pids())]
    return now.reduce((sum, [pid, ms]) => sum + ms - (before.get(pid) ?? 0), 0)
  }
}
