import { sql } from 'kysely'
import type { Caller } from '../../model/context.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** The stored response to the first call with an idempotency key. */
export interface RecordedResponse {
  readonly requestHash: string
  readonly response: string
}

/** A caller who may name calls by idempotency keys. */
export type KeyedCaller = Extract<Caller, { kind: 'client' | 'person' }>

const selectOfClient = statement((db, p: { client: number; key: string; now: string }) =>
  db
    .selectFrom('idempotency_keys')
    .select(['request_hash as requestHash', 'answer as response'])
    .where('client_pk', '=', p.client)
    .where('key', '=', p.key)
    .where('expires_at', '>', p.now),
)

const selectOfPerson = statement((db, p: { person: string; key: string; now: string }) =>
  db
    .selectFrom('person_answers')
    .select(['request_hash as requestHash', 'answer as response'])
    .where('person', '=', p.person)
    .where('key', '=', p.key)
    .where('expires_at', '>', p.now),
)

/** Returns the stored response for an idempotency key of a caller, unless it has expired. */
export async function selectRecordedResponse(
  tx: Tx,
  caller: KeyedCaller,
  key: { key: string; now: string },
): Promise<RecordedResponse | undefined> {
  if (caller.kind === 'person') return tx.get(selectOfPerson, { person: caller.id, ...key })
  return tx.get(selectOfClient, { client: caller.pk, ...key })
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

const deleteExpiredOfPeople = statement((db, p: { now: string }) =>
  db.deleteFrom('person_answers').where('expires_at', '<=', p.now),
)

/**
 * Deletes expired responses: all of people, and at most `EXPIRED_AT_ONCE` of clients.
 * @returns the number of deleted responses of clients
 */
export async function deleteExpiredResponses(tx: Tx, now: string): Promise<number> {
  await tx.run(deleteExpiredOfPeople, { now })
  return tx.run(deleteExpired, { now })
}

interface ResponseRow {
  readonly key: string
  readonly requestHash: string
  readonly response: string
  readonly expiresAt: string
}

/** The columns that both tables have. */
function toColumns({ key, requestHash, response, expiresAt }: ResponseRow) {
  return { key, request_hash: requestHash, answer: response, expires_at: expiresAt }
}

const upsertOfClient = statement((db, p: ResponseRow & { client: number; now: string }) =>
  db
    .insertInto('idempotency_keys')
    .values({ client_pk: p.client, ...toColumns(p) })
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

const upsertOfPerson = statement((db, p: ResponseRow & { person: string; now: string }) =>
  db
    .insertInto('person_answers')
    .values({ person: p.person, ...toColumns(p) })
    .onConflict((conflict) =>
      conflict
        .columns(['person', 'key'])
        .doUpdateSet((eb) => ({
          request_hash: eb.ref('excluded.request_hash'),
          answer: eb.ref('excluded.answer'),
          expires_at: eb.ref('excluded.expires_at'),
        }))
        .where('person_answers.expires_at', '<=', p.now),
    ),
)

/**
 * Stores a response for a caller; it replaces an expired one. Returns false if another call has stored one first.
 * @param row.now the time of the call, ISO 8601
 */
export async function insertRecordedResponse(
  tx: Tx,
  caller: KeyedCaller,
  row: ResponseRow & { readonly now: string },
): Promise<boolean> {
  const changed =
    caller.kind === 'person'
      ? await tx.run(upsertOfPerson, { ...row, person: caller.id })
      : await tx.run(upsertOfClient, { ...row, client: caller.pk })
  return changed === 1
}

const deleteOfPerson = statement((db, p: { person: string }) =>
  db.deleteFrom('person_answers').where('person', '=', p.person),
)

/** Deletes the stored responses to a person. */
export async function deleteResponsesOfPerson(tx: Tx, person: string): Promise<void> {
  await tx.run(deleteOfPerson, { person })
}
