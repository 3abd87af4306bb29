import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { GENERATORS } from './generators.ts'
import { measureBesideDeletion } from './rows/beside-deletion.ts'
import { measureBesideLists } from './rows/beside-lists.ts'
import { measureCheckpoints } from './rows/checkpoints.ts'
import { measureCreates } from './rows/creates.ts'
import { measureOsis } from './rows/osis.ts'
import { measurePostgres } from './rows/postgres.ts'
import { type Line, type Row, type Scale, Unavailable } from './rows/row.ts'
import { measureStart } from './rows/start.ts'

/**
 * Prints the table of bars: `npm run bench -- --quick`. Each row says what was measured, how, its bar, and whether it was
 * met. It reads /proc, so it runs on Linux only. Bars: docs/performance.md.
 */
const HELP = `Measures the bars of Usher and prints them as a table. See docs/performance.md.

npm run bench -- [options]

  --quick            fewer and shorter rounds: 4 minutes in place of 15
  --smoke            a moment of everything, to see that it runs; the figures mean nothing
  --only A,B         only these: creates, checkpoints, lists, deletion, osis, postgres, start
  --generator NAME   ${GENERATORS.join(', ')} (default: wrk; bars are for wrk)
  --connections N    (default: 64)
  --cache FOLDER     where filled directories are kept for later runs (default: usher-bench in the folder for
                     temporary files)
  --fresh            fills the directories again
  --directory FOLDER where working directories are made (default: the current one)
  --json             prints an array of lines at the end, in place of the table
`

const ROWS: Readonly<Record<string, Row>> = {
  creates: measureCreates,
  checkpoints: measureCheckpoints,
  lists: measureBesideLists,
  deletion: measureBesideDeletion,
  osis: measureOsis,
  postgres: measurePostgres,
  start: measureStart,
}

const USERS = { small: 10_000, large: 1_000_000, deleted: 100_000 }
const SCALES: Readonly<Record<'full' | 'quick' | 'smoke', Scale>> = {
  full: {
    ...{ rounds: 7, seconds: 4, warmUp: 3, users: USERS, checkpoints: 60, starts: 9, rests: [5, 60] },
    osis: { rounds: 7, seconds: 3, warmUp: 10 },
  },
  quick: {
    ...{
      rounds: 3,
      seconds: 2,
      warmUp: 2,
      users: { ...USERS, deleted: 30_000 },
      checkpoints: 15,
      starts: 3,
      rests: [5],
    },
    osis: { rounds: 3, seconds: 2, warmUp: 4 },
  },
  smoke: {
    ...{ rounds: 1, seconds: 0.2, warmUp: 0.1, checkpoints: 0.2, starts: 1, rests: [0.1] },
    users: { small: 50, large: 100, deleted: 50 },
    osis: { rounds: 1, seconds: 0.2, warmUp: 0.1 },
  },
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    only: { type: 'string' },
    generator: { type: 'string' },
    connections: { type: 'string', default: '64' },
    cache: { type: 'string', default: join(tmpdir(), 'usher-bench') },
    fresh: { type: 'boolean', default: false },
    directory: { type: 'string', default: '.' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  const given = values.generator ?? (values.smoke ? 'sockets' : 'wrk')
  const generator = GENERATORS.find((one) => one === given)
  if (!generator) throw new Error(`--generator must be one of ${GENERATORS.join(', ')}`)
  const names = values.only?.split(',') ?? Object.keys(ROWS)
  for (const name of names)
    if (!ROWS[name]) throw new Error(`--only: there is no ${name}; there are ${Object.keys(ROWS).join(', ')}`)
  const scale = SCALES[values.smoke ? 'smoke' : values.quick ? 'quick' : 'full']
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupt.abort())
  if (values.fresh) rmSync(values.cache, { recursive: true, force: true })
  const lines: Line[] = []
  const report = (line: Line): void => {
    lines.push(line)
    if (!values.json) print(line)
  }
  if (!values.json) printHead()
  for (const name of names) {
    if (interrupt.signal.aborted) break
    const work = mkdtempSync(join(values.directory, '.bench-'))
    const folders = { work, cache: values.smoke ? join(work, 'cache') : values.cache }
    mkdirSync(folders.cache, { recursive: true })
    const bench = { ...folders, scale, generator, connections: Number(values.connections) }
    try {
      await ROWS[name]?.({ ...bench, signal: interrupt.signal, report })
    } catch (error) {
      report(toFailure(name, error as Error))
      if (!(error instanceof Unavailable)) process.exitCode = 1
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }
  if (values.json) console.log(JSON.stringify(lines, null, 2))
}

function toFailure(name: string, error: Error): Line {
  const measured = error instanceof Unavailable ? 'skipped' : 'failed'
  return { what: name, measured, bar: '', isMet: null, how: error.message }
}

function printHead(): void {
  const [cpu] = cpus()
  console.log(
    `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpu?.model}, everything on these cores\n`,
  )
  if (values.smoke) console.log('A smoke test: the figures mean nothing.\n')
  console.log(`${'what'.padEnd(62)}${'measured'.padEnd(24)}${'bar'.padEnd(10)}`)
}

function print({ what, measured, bar, isMet, how }: Line): void {
  const verdict = isMet === null ? '' : isMet ? 'met' : 'missed'
  console.log(`${what.padEnd(61)} ${measured.padEnd(23)} ${bar.padEnd(9)} ${verdict}`.trimEnd())
  console.log(`    ${how}`)
}
