import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { programEnvironment } from '../testing/environment.ts'
import { type Init, usherJson } from '../testing/usher.ts'

/**
 * How fast `usher user import` is on SQLite without a server, with audit, and how much memory it takes. The addresses
 * are in random order, and so are the names: the worst case for the indexes. Bars: docs/performance.md.
 */
const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, directory: { type: 'string', default: '.' } },
})
const rows = Number(values.rows)
const MAIN = join(import.meta.dirname, '../src/main.js')
const FIRST = [
  'Ada',
  'Grace',
  'Édouard',
  'Søren',
  'Maria',
  'John',
  'Wei',
  'Fatima',
  'Olga',
  'José',
  'Anna',
  'Peter',
]
const LAST = [
  'Lovelace',
  'Hopper',
  'Müller',
  'García',
  'Smith',
  'Ivanova',
  'Chen',
  'Haddad',
  "O'Neil",
  'Nowak',
  'Kim',
]

const work = mkdtempSync(join(values.directory, '.bench-'))
try {
  const file = join(work, 'people.csv')
  await writePeople(file)
  const init = await usherJson<Init>(work, ['init'])
  console.log(`${rows} rows, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`)
  const { seconds, peakMb } = await run(['user', 'import', file, '--organization', init.customer.id])
  console.log(
    `${Math.round(rows / seconds)} rows/s (bar: 30000), ${Math.round(peakMb)} MB resident (bar: 250)`,
  )
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function writePeople(file: string): Promise<void> {
  const out = createWriteStream(file)
  out.write('firstName,lastName,email,groups\n')
  for (let i = 0; i < rows; i++) {
    const mixed = Math.imul(i, 0x85ebca6b) >>> 0
    const names = `${FIRST[mixed % FIRST.length]},${LAST[(mixed >>> 8) % LAST.length]} ${scatter(i * 7 + 1).slice(0, 4)}`
    if (!out.write(`${names},${scatter(i)}@customer.example,Viewer\n`)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'finish')
}

/** A bijection of the 32-bit numbers that leaves neighbours far apart. */
function scatter(i: number): string {
  return (Math.imul(i, 0x9e3779b1) >>> 0).toString(36).padStart(7, '0')
}

/** Runs the command in a process of its own, and looks at its memory meanwhile. */
async function run(args: readonly string[]): Promise<{ seconds: number; peakMb: number }> {
  const began = performance.now()
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: await programEnvironment(work, {}),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  let peakMb = 0
  const watch = setInterval(() => {
    peakMb = Math.max(peakMb, readPeak(child.pid ?? 0))
  }, 100)
  await once(child, 'close')
  clearInterval(watch)
  return { seconds: (performance.now() - began) / 1000, peakMb }
}

/** Returns the most memory that a process has had resident, in MB (Linux). */
function readPeak(pid: number): number {
  try {
    const [, kib = '0'] = /^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return (Number(kib) * 1024) / 1e6
  } catch {
    return 0
  }
}
