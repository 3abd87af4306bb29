import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startCluster } from '../testing/postgres-cluster.ts'
import { type Init, usherJson } from '../testing/usher.ts'
import { type Figures, GENERATORS } from './generators.ts'
import { writeScript } from './pgbench.ts'
import { median } from './quantiles.ts'
import { loadInTurn, mediansOf, ratiosOf } from './rounds.ts'
import { loadUsers, newGroup, newPgbench, startBare, startUsher, type Target } from './targets.ts'

/**
 * How many durable, validated, authenticated and audited creates Usher does in a second. On SQLite against a bare
 * node:http server under the same load, and with a large directory against a small one; on PostgreSQL against what
 * pgbench reaches with the same rows, and with `--processes 2` against one process. Bars: docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'sqlite' },
    database: { type: 'string' },
    processes: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
    generator: { type: 'string', default: 'autocannon' },
    'skip-million': { type: 'boolean', default: false },
    directory: { type: 'string', default: '.' },
  },
})
const connections = Number(values.connections)
const generator = GENERATORS.find((one) => one === values.generator)
if (!generator) throw new Error(`--generator must be one of ${GENERATORS.join(', ')}`)
const how = { generator, connections }
const rounds = { rounds: Number(values.rounds), seconds: Number(values.seconds), warmUp: 2 }

const work = mkdtempSync(join(values.directory, '.bench-'))
try {
  console.log(
    `${generator}, ${connections} connections, ${rounds.rounds} rounds of ${rounds.seconds} s each, Node ${process.version}, ` +
      `${cpus().length} × ${cpus()[0]?.model}`,
  )
  if (values.engine === 'postgres') await benchPostgres()
  else await benchSqlite()
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function benchSqlite(): Promise<void> {
  const small = join(work, 'small')
  const init = await usherJson<Init>(small, ['init'])
  await loadUsers(small, ['--users', '10000', '--domain', 'small.example'])
  const large = values['skip-million'] ? null : join(work, 'large')
  if (large) {
    cpSync(small, large, { recursive: true })
    const begun = Date.now()
    await loadUsers(large, ['--users', '990000', '--domain', 'large.example'])
    console.log(`loaded 990,000 more users in ${((Date.now() - begun) / 1000).toFixed(1)} s`)
  }
  const usher = await startUsher('Usher, 10,000 users', { dataDir: small, init }, how)
  const bare = await startBare(usher.endpoint, how)
  await compare(bare, usher, 0.55)
  await bare.stop()
  if (large) {
    const million = await startUsher('Usher, 1,000,000 users', { dataDir: large, init }, how)
    await compare(usher, million, 0.95)
    await million.stop()
  }
  await usher.stop()
}

/** In an empty database of `--database`, or in a server of its own with the settings that it comes with. */
async function benchPostgres(): Promise<void> {
  const cluster = values.database === undefined ? await startCluster() : null
  try {
    const url = cluster?.url ?? values.database ?? ''
    const settings = { USHER_DATABASE_URL: url }
    const dataDir = join(work, 'data')
    const init = await usherJson<Init>(dataDir, ['init'], settings)
    await loadUsers(dataDir, ['--users', '10000'], settings)
    const start = (name: string) => startUsher(name, { dataDir, init, settings }, how)
    const usher = await start('Usher on PostgreSQL')
    const script = join(work, 'create.sql')
    writeScript(script)
    await compare(newPgbench(url, script, connections), usher, 5.3)
    if (Number(values.processes) > 1) {
      const names = Array.from({ length: Number(values.processes) - 1 }, (_, i) => `Usher ${i + 2}`)
      const others = await Promise.all(names.map(start))
      const all = newGroup(`${names.length + 1} processes`, [usher, ...others], how)
      await compare(usher, all)
      await all.stop()
    } else await usher.stop()
  } finally {
    await cluster?.end()
  }
}

/** Compares two targets by the median of the ratios of their rounds. */
async function compare(a: Target, b: Target, bar?: number): Promise<void> {
  const [first = [], second = []] = await loadInTurn([a, b], rounds)
  const ratio = median(ratiosOf(second, first))
  const verdict = bar === undefined ? '' : ` (bar ${bar}: ${ratio >= bar ? 'met' : 'missed'})`
  console.log()
  console.log('                          creates/s    p50 ms    p99 ms    of the first')
  console.log(row(a.name, mediansOf(first), ''))
  console.log(row(b.name, mediansOf(second), `${ratio.toFixed(2)}${verdict}`))
}

function row(name: string, { perSecond, p50, p99 }: Figures, note: string): string {
  const [middle, last] = [p50, p99].map((ms) => (ms === null ? '-' : ms.toFixed(1)).padStart(10))
  return `${name.padEnd(24)}${perSecond.toFixed(0).padStart(11)}${middle}${last}    ${note}`.trimEnd()
}
