import { parseArgs } from 'node:util'
import { startCluster } from '../testing/postgres-cluster.ts'
import { runUsher, serveNew } from '../testing/usher.ts'
import { listDrift, listWrongKeys } from './soak/compare.ts'
import { Gateway } from './soak/gateway.ts'
import { Osis } from './soak/osis.ts'
import { Worker } from './soak/worker.ts'

/**
 * `npm run soak`: many mixed OSIS operations at the same time on a real Usher and a real Ceph RGW that is restarted
 * during the run. The only allowed failure is a 503 during an outage or shortly after. In the end the gateway must have
 * the users that the workers expect, and every key must work, or not work, as expected. Exits with 1 otherwise.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    restarts: { type: 'string', default: '3' },
    workers: { type: 'string', default: '100' },
    engine: { type: 'string', default: 'sqlite' },
  },
})
const seconds = Number(values.seconds)
const restarts = Number(values.restarts)
/** How long everything may take to converge after the last request. */
const CONVERGE_MS = 120_000

const gateway = new Gateway()
// An interrupted run removes its gateway, too. Usher gets the signal itself and ends.
process.once('SIGINT', () => void gateway.wipe().finally(() => process.exit(130)))
await gateway.start()
try {
  const cluster = values.engine === 'postgres' ? await startCluster() : null
  try {
    await soak({ ...gateway.settings, ...(cluster && { USHER_DATABASE_URL: cluster.url }) })
  } finally {
    await cluster?.end()
  }
} finally {
  await gateway.wipe()
}

async function soak(settings: Readonly<Record<string, string>>): Promise<void> {
  const usher = await serveNew(settings)
  try {
    const osis = new Osis(usher.url, usher.init.clients.osis, gateway)
    const workers = Array.from({ length: Number(values.workers) }, () => new Worker(osis, gateway))
    const until = Date.now() + seconds * 1000
    await Promise.all([...workers.map((worker) => worker.run(until)), restartGateway(until)])
    report(osis, workers)
    const problems = [
      ...osis.violations,
      ...(await converge(usher.url, workers)),
      ...(await listWrongKeys(gateway, workers)),
      ...(await checkPlatform(usher.dataDir, settings)),
    ]
    for (const problem of problems.slice(0, 50)) console.log(`WRONG  ${problem}`)
    console.log(problems.length === 0 ? 'nothing was wrong' : `${problems.length} things were wrong`)
    if (problems.length > 0) process.exitCode = 1
  } finally {
    await usher.end()
  }
}

/** Restarts the gateway, evenly spread over the time. */
async function restartGateway(until: number): Promise<void> {
  const every = (until - Date.now()) / (restarts + 1)
  const begun = Date.now()
  for (let restart = 1; restart <= restarts; restart++) {
    const wait = Math.max(0, begun + restart * every - Date.now())
    await new Promise((resolve) => setTimeout(resolve, wait))
    await gateway.restart()
  }
}

function report(osis: Osis, workers: readonly Worker[]): void {
  const done = workers.reduce((sum, { operations }) => sum + operations, 0)
  const statuses = [...osis.counts].sort().map(([status, count]) => `${count} × ${status}`)
  const away = gateway.outages.map(({ from, until }) => `${((until - from) / 1000).toFixed(1)} s`)
  console.log(`${workers.length} workers, ${seconds} s, ${values.engine}, Node ${process.version}`)
  console.log(`operations:            ${done}`)
  console.log(`responses:             ${statuses.join(', ')}`)
  console.log(`gateway outages:       ${away.join(', ')}`)
  console.log(`faults of S3 itself:   ${gateway.faults}`)
  console.log(`last 503 after that:   ${osis.latestRefusalMs} ms`)
  for (const late of osis.lateRefusals.slice(0, 20)) console.log(`LATE   ${late}`)
}

/** Waits until Usher has nothing unapplied and the gateway has the desired state. Returns what is still wrong. */
async function converge(url: string, workers: readonly Worker[]): Promise<string[]> {
  const begun = Date.now()
  for (;;) {
    const unapplied = await countUnapplied(url)
    const drift = await listDrift(gateway, workers)
    if (unapplied === 0 && drift.length === 0) {
      const users = workers.reduce((sum, worker) => sum + worker.users.length, 0)
      console.log(`converged after:       ${((Date.now() - begun) / 1000).toFixed(1)} s, ${users} users`)
      return []
    }
    if (Date.now() - begun > CONVERGE_MS) return [`${unapplied} accounts are unapplied`, ...drift]
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function countUnapplied(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const found = /^usher_accounts_unapplied(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1]
  if (found === undefined) throw new Error('there is no metric usher_accounts_unapplied')
  return Number(found)
}

/** Runs `usher platform check`. Returns its output if it finds drift. */
async function checkPlatform(dataDir: string, settings: Readonly<Record<string, string>>): Promise<string[]> {
  const { code, stdout, stderr } = await runUsher(dataDir, ['platform', 'check'], settings)
  console.log(`usher platform check:  ${code === 0 ? 'no drift' : `ended with ${code}`}`)
  return code === 0 ? [] : [`usher platform check: ${stdout}${stderr}`]
}
