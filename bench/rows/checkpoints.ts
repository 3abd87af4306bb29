import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fillDirectory } from '../directories.ts'
import { startUsher } from '../targets.ts'
import { assertGenerator, type Bench, toLine, toMs, toRate } from './row.ts'

/** The longest that a create takes while checkpoints copy the log into the file of SQLite. */
export async function measureCheckpoints(bench: Bench): Promise<void> {
  assertGenerator(bench)
  const { checkpoints, warmUp, users } = bench.scale
  const filled = await fillDirectory(bench, users.small)
  const usher = await startUsher('Usher', filled, bench)
  try {
    await usher.load(warmUp)
    const before = readLogNumber(filled.dataDir)
    // This process sleeps, so how late its timer is shows what the machine adds.
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const { perSecond, p99, max } = await usher.load(checkpoints)
    delay.disable()
    const logs = readLogNumber(filled.dataDir) - before
    bench.report(
      toLine(`longest pause of any request in ${checkpoints} s of creates`, Number(max), {
        measured: toMs(max),
        atMost: 50,
        unit: ' ms',
        how:
          `${logs} checkpoints; ${toRate(perSecond)} creates/s, p99 ${toMs(p99)}; ${bench.generator}, ` +
          `${bench.connections} connections; a process that sleeps was ${toMs(delay.max / 1e6)} late at most`,
      }),
    )
  } finally {
    await usher.stop()
  }
}

/** Returns how often SQLite has begun its log anew, from the log's header: it does that after each checkpoint. */
function readLogNumber(dataDir: string): number {
  const file = openSync(join(dataDir, 'usher.db-wal'), 'r')
  try {
    const header = Buffer.alloc(16)
    readSync(file, header, 0, 16, 0)
    return header.readUInt32BE(12)
  } finally {
    closeSync(file)
  }
}
