import { sql } from 'kysely'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** The first answer to a call that carried an idempotency key. */
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

/** What was answered under this key, if that is not too long ago. */
export async function selectRecordedAnswer(
  tx: Tx,
  client: number,
  key: { key: string; now: string },
): Promise<RecordedAnswer | undefined> {
  return tx.get(select, { client, ...key })
}

/** How many answers one unit forgets at the most, so that it never takes long. */
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

/** Forgets answers that have expired, at most `EXPIRED_AT_ONCE` of them; answers how many. */
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

/** Records an answer, in place of an expired one. Answers false when another call has recorded one in the meantime. */
export async function insertRecordedAnswer(tx: Tx, answer: AnswerRow, now: string): Promise<boolean> {
  return (await tx.run(upsert, { ...answer, now })) === 1
}
