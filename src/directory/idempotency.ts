import { hash } from 'node:crypto'
import type { Context } from '../model/context.ts'
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

const KEPT_MS = 24 * 60 * 60 * 1000

/**
 * Runs work at most once per client and key within 24 hours. A repeated call gets the recorded answer of the
 * first one that succeeded; a refused call has done nothing, so it is not recorded and may be mended and sent again.
 * @param request what makes two calls the same; a call with the same key and another request is refused
 * @throws {DirectoryError} `idempotency_key_reused`, and whatever work throws
 */
export async function once<T>(
  unit: Unit,
  ctx: Context,
  call: { key: string | undefined; request: unknown; replayed: (answer: T) => Promise<void> },
  work: () => Promise<T>,
): Promise<T> {
  const { key } = call
  // Keys belong to clients.
  if (key === undefined || ctx.caller.kind !== 'client') return work()
  const client = ctx.caller.pk
  const requestHash = hash('sha256', JSON.stringify(call.request), 'base64url')
  const recorded = await selectRecordedAnswer(unit.tx, client, { key, now: unit.now })
  if (recorded) {
    if (recorded.requestHash !== requestHash) throw keyReused()
    const answer = JSON.parse(recorded.answer) as T
    await call.replayed(answer)
    return answer
  }
  const answer = await work()
  const expiresAt = new Date(Date.parse(unit.now) + KEPT_MS).toISOString()
  const record = { client, key, requestHash, answer: JSON.stringify(answer), expiresAt }
  // Lost against a call with the same key: run again, and find its answer.
  if (!(await insertRecordedAnswer(unit.tx, record, unit.now)))
    throw new ConstraintError('idempotency key', undefined)
  return answer
}

function keyReused(): DirectoryError {
  const message = 'was used for another request within the last 24 hours'
  return new DirectoryError('idempotency_key_reused', `The idempotency key ${message}.`, {
    issues: [{ path: 'idempotencyKey', rule: 'reused', message }],
  })
}

/** Forgets answers that are too old to be replayed. Answers how many. */
export async function forgetExpiredAnswers(dir: Directory): Promise<number> {
  const now = dir.now().toISOString()
  let forgotten = 0
  for (;;) {
    const count = await dir.store.write((tx) => deleteExpiredAnswers(tx, now))
    forgotten += count
    if (count < EXPIRED_AT_ONCE) return forgotten
  }
}
