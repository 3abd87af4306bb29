import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { programEnvironment } from '../testing/environment.ts'
import { jsonOf, send } from '../testing/http.ts'
import { getToken, type Init, type Settings, serve, usherJson } from '../testing/usher.ts'
import { inWorkDirectory } from './work-directory.ts'

/**
 * How long lists of a long audit log take, by filter, as a client on the same machine sees it:
 * `node bench/audit-logs.ts --entries 1000000 --engine postgres`. Bar: docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    calls: { type: 'string', default: '50' },
    engine: { type: 'string', default: 'sqlite' },
    directory: { type: 'string', default: '.' },
  },
})
const calls = Number(values.calls)
const WARM_UP = 5

await inWorkDirectory(values, main)

/** The filters of the bench, with the names that `load-audit.ts` gives. */
function listQueries(): readonly (readonly [name: string, query: string])[] {
  const day = (before: number): string => new Date(Date.now() - before * 86_400_000).toISOString()
  return [
    ['all', ''],
    ['page 30,000', 'PageNumber=30000'],
    ['a day', `StartDate=${day(10)}&EndDate=${day(9)}`],
    ['an operation that most have', 'Operations=CreateUser'],
    ['a rare operation', 'Operations=DeleteUser'],
    ...['Failed', 'Processing', 'Succeded'].map((status) => [status, `Status=${status}`] as const),
    ['one customer', 'Customer=customer%207777'],
    ['a thousand customers', 'Customer=customer%207'],
    ['all customers', 'Customer=loaded'],
    ['one reseller', 'Reseller=reseller%2033'],
    ['all filters', 'Customer=loaded&Reseller=reseller&Operations=CreateUser&Status=Failed'],
  ]
}

async function main(work: string, settings: Settings): Promise<void> {
  const init = await usherJson<Init>(work, ['init'], settings)
  const env = await programEnvironment(work, settings)
  const script = join(import.meta.dirname, 'load-audit.ts')
  await promisify(execFile)(process.execPath, [script, '--entries', values.entries], { env })
  const usher = await serve(work, { settings })
  const token = await getToken(usher.url, init.clients.administrator)
  const headers = { authorization: `Bearer ${token}`, 'x-tenant': init.portal }
  for (const [name, query] of listQueries()) {
    const times: number[] = []
    let total = 0
    for (let i = -WARM_UP; i < calls; i++) {
      const begun = performance.now()
      const answer = await send(usher.url, { method: 'GET', path: `/v1/AuditLogs?${query}`, headers })
      if (i >= 0) times.push(performance.now() - begun)
      if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${answer.text}`)
      total = jsonOf<{ totalCount: number }>(answer).totalCount
    }
    times.sort((one, other) => one - other)
    const at = (share: number): string => (times[Math.floor(calls * share)] ?? 0).toFixed(1).padStart(6)
    console.log(`${name.padEnd(30)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   ${total} entries`)
  }
  await usher.stop()
}
