import { send } from '../../testing/http.ts'
import { fillDirectory } from '../directories.ts'
import type { Figures } from '../generators.ts'
import { runOpenLoop } from '../open-loop.ts'
import { median, quantile, toRange } from '../quantiles.ts'
import { mediansOf } from '../rounds.ts'
import { type HttpTarget, startUsher } from '../targets.ts'
import { assertGenerator, type Bench, describeLoad, toLine, toMs, toRate } from './row.ts'

const PATH = '/v1/users?pageSize=25'
/** Pages per second: people at a portal. */
const RATE = 10
/** The most list calls that run at once. */
const CALLERS = 4

/** How much longer creates take while people list users. */
export async function measureBesideLists(bench: Bench): Promise<void> {
  assertGenerator(bench)
  const { scale, signal } = bench
  const usher = await startUsher('Usher', await fillDirectory(bench, scale.users.small), bench)
  try {
    await usher.load(scale.warmUp)
    const [alone, beside]: [Figures[], Figures[]] = [[], []]
    const pages: { times: number[]; refused: number } = { times: [], refused: 0 }
    for (let round = 0; round < scale.rounds && !signal.aborted; round++) {
      alone.push(await usher.load(scale.seconds))
      const lists = listUsers(usher, scale.seconds, pages)
      beside.push(await usher.load(scale.seconds))
      await lists
    }
    const ratios = beside.map(({ p99 }, i) => Number(p99) / Number(alone[i]?.p99))
    const [without, with_] = [mediansOf(alone), mediansOf(beside)]
    bench.report(
      toLine("create's p99 beside list pages / alone", median(ratios), {
        measured: toRange(ratios),
        atMost: 2,
        how:
          `p99 ${toMs(with_.p99)} and ${toMs(without.p99)}, ${toRate(with_.perSecond)} and ${toRate(without.perSecond)} ` +
          `creates/s; GET ${PATH}, ${RATE} per second, median of a page ${toMs(quantile(pages.times, 0.5))}, ` +
          `${pages.refused} of ${pages.times.length} refused (503); ${describeLoad(bench)}`,
      }),
    )
  } finally {
    await usher.stop()
  }
}

async function listUsers(
  { endpoint }: HttpTarget,
  seconds: number,
  pages: { times: number[]; refused: number },
): Promise<void> {
  const call = async (): Promise<void> => {
    const { status, text } = await send(endpoint.url, {
      method: 'GET',
      path: PATH,
      headers: endpoint.headers,
    })
    if (status === 503) pages.refused++
    else if (status !== 200) throw new Error(`GET ${PATH}: ${status} ${text}`)
  }
  const callers = Array(CALLERS).fill(call)
  pages.times.push(...(await runOpenLoop(callers, { perSecond: RATE, seconds })))
}
