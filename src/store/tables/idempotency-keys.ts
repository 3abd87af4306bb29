import { sql } from 'kysely'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** The stored response to the first call with an idempotency key. */
export interface RecordedAnswer {
  readonly requestHash: string
  readonly answer: string
}

const select = statement((db, p: { client: number; key: string; now: string }) =>
  db
    .selectFrom('idempotency_keys')
    .select(['request_hash as requestHash', 'answer'])
    .where('client_pk', '=', p.client)
    .where('key', '=', p.key)
    .where('expires_at', '>', p.now),
)

/** Returns the stored response for an idempotency key of a client, unless it has expired. */
export async function selectRecordedAnswer(
  tx: Tx,
  client: number,
  key: { key: string; now: string },
): Promise<RecordedAnswer | undefined> {
  return tx.get(select, { client, ...key })
}

/** The most responses that one unit deletes, so that it never takes long. */
export const EXPIRED_AT_ONCE = 10_000

const deleteExpired = statement((db, p: { now: string }) =>
  db
    .deleteFrom('idempotency_keys')
    .where(({ refTuple, selectFrom, eb }) =>
      eb(
        refTuple('client_pk', 'key'),
        'in',
        selectFrom('idempotency_keys as expired')
          .select(['expired.client_pk', 'expired.key'])
          .where('expired.expires_at', '<=', p.now)
          .limit(sql.lit(EXPIRED_AT_ONCE))
          .$asTuple('client_pk', 'key'),
      ),
    ),
)

/** Deletes expired responses, at most `EXPIRED_AT_ONCE`. Returns the number of deleted responses. */
export async function deleteExpiredAnswers(tx: Tx, now: string): Promise<number> {
  return tx.run(deleteExpired, { now })
}

interface AnswerRow {
  readonly client: number
  readonly key: string
  readonly requestHash: string
  readonly answer: string
  readonly expiresAt: string
}

const upsert = statement((db, p: AnswerRow & { now: string }) =>
  db
    .insertInto('idempotency_keys')
    .values({
      client_pk: p.client,
      key: p.key,
      request_hash: p.requestHash,
      answer: p.answer,
      expires_at: p.expiresAt,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['client_pk', 'key'])
        .doUpdateSet((eb) => ({
          request_hash: eb.ref('excluded.request_hash'),
          answer: eb.ref('excluded.answer'),
          expires_at: eb.ref('excluded.expires_at'),
        }))
        .where('idempotency_keys.expires_at', '<=', p.now),
    ),
)

/** Stores a response; it replaces an expired one. Returns false if another call has stored one first. */
export async function insertRecordedAnswer(tx: Tx, answer: AnswerRow, now: string): Promise<boolean> {
  return (await tx.run(upsert, { ...answer, now })) === 1
}
