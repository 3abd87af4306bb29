import { readBars } from './bars.ts'

const bars = await readBars()
const width = Math.max(...bars.map(({ what }) => what.length))
for (const { what, value, bar, details } of bars) {
  const verdict = value <= bar ? 'met' : 'MISSED'
  console.log(
    `${what.padEnd(width)}  ${String(value).padStart(5)}  bar ${String(bar).padStart(5)}  ${verdict}`,
  )
  if (value > bar || process.argv.includes('--details')) for (const line of details) console.log(`  ${line}`)
}
process.exitCode = bars.every(({ value, bar }) => value <= bar) ? 0 : 1
