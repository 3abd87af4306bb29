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

/** How long a response can be replayed, in milliseconds. */
const TTL_MS = 24 * 60 * 60 * 1000

/**
 * Runs work once for each client and idempotency key within 24 hours. A repeated call gets the first response. A call
 * that was refused is not recorded, so that it can be corrected and sent again with its idempotency key.
 * @param call.request the content that is compared, as JSON: a key that was used for a different request is refused
 * @returns the response, and whether an earlier call recorded it
 * @throws {DirectoryError} `idempotency_key_reused`, and what work throws
 */
export async function runOnce<T>(
  unit: Unit,
  call: { key: string; request: unknown },
  work: () => Promise<T>,
): Promise<{ answer: T; replayed: boolean }> {
  const { tx, now } = unit
  const { caller } = unit.ctx
  // Only clients have idempotency keys. Other callers do not use a network, so no call of theirs is repeated by
  // mistake.
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
  // Another call with this key was faster. The unit runs again, and finds the response of that call.
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
 * Deletes responses that are too old to be replayed, in several commits if there are many.
 * @returns the number of deleted responses
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
