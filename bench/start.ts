import { parseArgs } from 'node:util'
import { median } from './quantiles.ts'
import { measureMemory, measureStarts, type Start, type Starts } from './starts.ts'

/**
 * How long a start takes to the first response, with the worst one, and how much processor time, compared with a bare
 * `node -e 0` in the same run: `node bench/start.ts --rounds 20`. As root it also starts as a service user, who may not
 * write to the installation. Then how much memory is resident at rest, after the start and after 10,000 creates. Linux
 * only, because it reads /proc. Bars: docs/performance.md.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, creates: { type: 'string', default: '10000' } },
})
const WARM_UP = 3
/**
 * When the memory is read, in seconds after the first response. After the second one V8 has returned what the start left
 * over: it waits 30 s, and then 8 s between collections.
 */
const RESTS = [5, 60]

report(await measureStarts(Number(values.rounds), WARM_UP))
const { atRest, afterCreates } = await measureMemory(RESTS, Number(values.creates))
for (const [i, mb] of atRest.entries())
  console.log(`resident ${RESTS[i]} s after the first response: ${mb} MB`)
if (afterCreates !== null)
  console.log(`resident ${RESTS[0]} s after ${values.creates} creates: ${afterCreates} MB`)

function report(all: readonly Starts[]): void {
  const middle = (starts: readonly Start[], of: keyof Start): number =>
    median(starts.map((start) => start[of]))
  const base = all[0]?.starts ?? []
  console.log(`${values.rounds} starts, medians           wall ms     worst   of node -e 0   processor ms`)
  for (const { name, starts } of all) {
    const wall = middle(starts, 'wall')
    const ratio = (wall / middle(base, 'wall')).toFixed(1)
    const worst = Math.max(...starts.map((start) => start.wall))
    const columns = [wall.toFixed(0).padStart(8), worst.toFixed(0).padStart(9), ratio.padStart(14)]
    console.log(
      `${name.padEnd(28)} ${columns.join(' ')} ${middle(starts, 'processor').toFixed(0).padStart(14)}`,
    )
  }
  const of = (name: string): readonly Start[] => all.find((one) => one.name === name)?.starts ?? []
  const ofOwner = middle(of('npm start'), 'processor')
  const ofService = middle(of('npm start, service user'), 'processor')
  if (ofService > 0) {
    const more = (100 * (ofService / ofOwner - 1)).toFixed(1)
    console.log(`processor time of the service user, compared with the owner: ${more} % more`)
  }
}
