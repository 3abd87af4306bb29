import { median } from '../quantiles.ts'
import { measureMemory, measureStarts, type Start } from '../starts.ts'
import { type Bench, toLine, toMs } from './row.ts'

/** Starts that fill the compile cache first. */
const WARM_UP = 2

/** How long a start takes to the first response, and how much memory the server has at rest. */
export async function measureStart(bench: Bench): Promise<void> {
  const { starts: rounds, rests } = bench.scale
  const found = await measureStarts(rounds, rounds > 1 ? WARM_UP : 0)
  const wallOf = (name: string): readonly number[] =>
    (found.find((one) => one.name === name)?.starts ?? []).map((start: Start) => start.wall)
  const wall = median(wallOf('npm start'))
  bench.report(
    toLine('start to the first response', wall, {
      measured: toMs(wall, 0),
      atMost: 400,
      unit: ' ms',
      how:
        `command of npm start in a directory that is set up, to the response of /healthz; median of ${rounds}, worst ` +
        `${toMs(Math.max(...wallOf('npm start')), 0)}; in an empty directory ` +
        `${toMs(median(wallOf('npm start, empty directory')), 0)}, bare node -e 0 ${toMs(median(wallOf('node -e 0')), 0)}`,
    }),
  )
  const { atRest } = await measureMemory(rests, 0)
  for (const [i, mb] of atRest.entries())
    bench.report(
      toLine(`memory at rest, ${rests[i]} s after the first response`, mb, {
        measured: `${mb} MB`,
        atMost: 115,
        unit: ' MB',
        how: 'resident set of one server without requests, by /proc',
      }),
    )
}
