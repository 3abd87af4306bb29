import { hash } from 'node:crypto'
import { DirectoryError } from '../model/error.ts'
import { ConstraintError } from '../store/port.ts'
import {
  deleteExpiredAnswers,
  EXPIRED_AT_ONCE,
  insertRecordedAnswer,
  selectRecordedAnswer,
} from '../store/tables/idempotency-keys.ts'
import type { Directory } from './directory.ts'
import type { Unit } from './unit.ts'

/** How long an answer can be replayed. */
const TTL_MS = 24 * 60 * 60 * 1000

/**
 * Runs work once for each client and idempotency key within 24 hours. A repeated call gets the first answer. A call
 * that was refused is not recorded, so that it can be corrected and sent again under its key.
 * @param call.request what makes two calls the same, as JSON; the key of another request is refused
 * @returns the answer, and whether it was recorded by an earlier call
 * @throws {DirectoryError} `idempotency_key_reused`, and what work throws
 */
export async function runOnce<T>(
  unit: Unit,
  call: { key: string; request: unknown },
  work: () => Promise<T>,
): Promise<{ answer: T; replayed: boolean }> {
  const { tx, now } = unit
  const { caller } = unit.ctx
  // Keys belong to clients: other callers do not call over a network.
  if (caller.kind !== 'client') return { answer: await work(), replayed: false }
  const { key } = call
  const requestHash = hash('sha256', JSON.stringify(call.request), 'base64url')
  const recorded = await selectRecordedAnswer(tx, caller.pk, { key, now })
  if (recorded) {
    if (recorded.requestHash !== requestHash) throw keyReused()
    return { answer: JSON.parse(recorded.answer) as T, replayed: true }
  }
  const answer = await work()
  const expiresAt = new Date(Date.parse(now) + TTL_MS).toISOString()
  const record = { client: caller.pk, key, requestHash, answer: JSON.stringify(answer), expiresAt }
  // A call with the same key was faster. The unit runs again, and finds its answer.
  if (!(await insertRecordedAnswer(tx, record, now))) throw new ConstraintError('idempotency key', undefined)
  return { answer, replayed: false }
}

function keyReused(): DirectoryError {
  const message = 'was used for another request within the last 24 hours'
  return new DirectoryError('idempotency_key_reused', `The idempotency key ${message}.`, {
    issues: [{ path: 'idempotencyKey', rule: 'reused', message }],
  })
}

/**
 * Deletes answers that are too old to be replayed, in several commits if there are many.
 * @returns how many
 * @throws {StoreError}
 */
export async function deleteOldAnswers(dir: Directory): Promise<number> {
  const now = dir.now().toISOString()
  for (let deleted = 0; ; ) {
    const count = await dir.store.write((tx) => deleteExpiredAnswers(tx, now))
    deleted += count
    if (count < EXPIRED_AT_ONCE) return deleted
  }
}
