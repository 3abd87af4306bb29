import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { followAuditLog, isAuditLogFollowed } from '../store/audit/index-rows.ts'
import { ConstraintError } from '../store/port.ts'
import type { Directory } from './directory.ts'
import { read, write } from './unit.ts'

/** The number of entries in one commit: few, because other units wait for it. */
const BATCH = 200
/** How long the process is watched before some batches, and how long these take, in milliseconds. */
const WATCH_MS = 20
const WORK_MS = 20
/** The share of time that the process works, from which on it is busy. Then one batch follows, and above MAX none. */
const BUSY = 0.5
const MAX_BUSY = 0.9

/**
 * Adds new entries to the index of the audit log until none is left, as far as the process has time for it: requests
 * come first. Several processes can do it at once.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function followAudit(dir: Directory, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted && !(await read(dir, isAuditLogFollowed))) {
    const load = await measureLoad(stopping)
    if (load > MAX_BUSY) return
    const until = performance.now() + WORK_MS
    do {
      if ((await addBatch(dir)) === 0) return
    } while (!stopping.aborted && load < BUSY && performance.now() < until)
    if (load >= BUSY) return
  }
}

/** Returns the share of the next milliseconds in which the process works. */
async function measureLoad(stopping: AbortSignal): Promise<number> {
  const before = performance.eventLoopUtilization()
  await pause(WATCH_MS, undefined, { signal: stopping, ref: false }).catch(() => undefined)
  return performance.eventLoopUtilization(before).utilization
}

async function addBatch(dir: Directory): Promise<number> {
  try {
    return await write(dir, (tx) => followAuditLog(tx, BATCH))
  } catch (error) {
    // Another process has added the same entries.
    if (error instanceof ConstraintError) return 1
    throw error
  }
}
