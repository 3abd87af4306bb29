import { setTimeout as pause } from 'node:timers/promises'
import { jsonOf, send } from '../../testing/http.ts'
import { usherJson } from '../../testing/usher.ts'
import { fillDirectory } from '../directories.ts'
import type { Figures } from '../generators.ts'
import { mediansOf } from '../rounds.ts'
import { type HttpTarget, loadUsers, startUsher } from '../targets.ts'
import { assertGenerator, type Bench, toLine, toMs, toRate } from './row.ts'

/** So that a job that never ends does not keep the rest of the table waiting. */
const LIMIT_MS = 300_000

/** How much longer creates take while another customer with very many users is deleted. */
export async function measureBesideDeletion(bench: Bench): Promise<void> {
  assertGenerator(bench)
  const { scale, signal } = bench
  const filled = await fillDirectory(bench, scale.users.small)
  const add = ['organization', 'add', '--kind', 'customer', '--name', 'Leaving']
  const leaving = await usherJson<{ id: string }>(filled.dataDir, add)
  const users = ['--users', String(scale.users.deleted), '--domain', 'leaving.example', '--follow']
  await loadUsers(filled.dataDir, [...users, '--customer', leaving.id])
  const usher = await startUsher('Usher', filled, bench)
  try {
    await usher.load(scale.warmUp)
    const [alone, beside]: [Figures[], Figures[]] = [[], []]
    const measureAlone = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds && !signal.aborted; round++)
        alone.push(await usher.load(scale.seconds))
    }
    await measureAlone(Math.ceil(scale.rounds / 2))
    const began = performance.now()
    const job = await call(usher, 'DELETE', `/v1/Customers/${leaving.id}`)
    const location = String(job.headers.location)
    const hasEnded = async (): Promise<boolean> =>
      jsonOf<{ endedAt: string | null }>(await call(usher, 'GET', location)).endedAt !== null
    do beside.push(await usher.load(scale.seconds))
    while (beside.length < scale.rounds && !signal.aborted && !(await hasEnded()))
    while (!signal.aborted && !(await hasEnded())) {
      if (performance.now() - began > LIMIT_MS) throw new Error(`the deletion has not ended: ${location}`)
      await pause(200)
    }
    const took = (performance.now() - began) / 1000
    await measureAlone(Math.floor(scale.rounds / 2))
    const [without, with_] = [mediansOf(alone), mediansOf(beside)]
    const ratio = Number(with_.p99) / Number(without.p99)
    bench.report(
      toLine(`create's p99 beside a deletion of ${toRate(scale.users.deleted)} users / alone`, ratio, {
        measured: ratio.toFixed(2),
        atMost: 2,
        how:
          `p99 ${toMs(with_.p99)} and ${toMs(without.p99)}, ${toRate(with_.perSecond)} and ${toRate(without.perSecond)} ` +
          `creates/s; ${bench.generator}, ${bench.connections} connections, medians of ${beside.length} rounds of ` +
          `${scale.seconds} s while the job ran, which took ${took.toFixed(0)} s, and of ${alone.length} before and after`,
      }),
    )
  } finally {
    await usher.stop()
  }
}

async function call({ endpoint }: HttpTarget, method: string, path: string): ReturnType<typeof send> {
  const response = await send(endpoint.url, { method, path, headers: endpoint.headers })
  if (response.status > 299) throw new Error(`${method} ${path}: ${response.status} ${response.text}`)
  return response
}
