import { runWhenIdle } from '../loop.ts'
import { followAuditLog, isAuditLogFollowed } from '../store/audit/index-rows.ts'
import { ConstraintError } from '../store/port.ts'
import type { Directory } from './directory.ts'
import { read, write } from './unit.ts'

/** The number of entries in one commit: few, because other units wait for it. */
const BATCH = 200

/**
 * Adds new entries to the index of the audit log until none is left, as far as the process has time for it. Several
 * processes can do it at once.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function followAudit(dir: Directory, stopping: AbortSignal): Promise<void> {
  if (await read(dir, isAuditLogFollowed)) return
  await runWhenIdle(stopping, async () => (await addBatch(dir)) > 0)
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
