import type { AuditEntry } from '../../model/audit.ts'
import { ENTRY_COLUMNS, toEntry } from '../audit/entries.ts'
import type { LogCursor } from '../audit/follow.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

/** An event that waits for another attempt, or was given up. */
export interface Delivery {
  readonly pk: number
  readonly entry: AuditEntry
  readonly place: LogCursor
  readonly attempts: number
  readonly firstFailedAt: string | null
  readonly dueAt: string
  readonly error: string | null
  readonly deadAt: string | null
}

/** An organization with events that wait, and when the first of them is due: at once if that is empty. */
export interface WaitingOrganization {
  readonly organization: string
  readonly dueAt: string
  readonly waiting: number
}

// The events behind the first one have an empty `due_at`.
const waitingOrganizations = statement((db, p: { webhookPk: number }) =>
  db
    .selectFrom('deliveries')
    .select((eb) => ['organization', eb.fn.max('due_at').as('dueAt'), eb.fn.countAll<number>().as('waiting')])
    .where('webhook_pk', '=', p.webhookPk)
    .where('dead_at', 'is', null)
    .groupBy('organization'),
)

/** Returns the organizations with events of a webhook that wait for another attempt. */
export async function selectWaitingOrganizations(tx: Tx, webhookPk: number): Promise<WaitingOrganization[]> {
  const rows = await tx.all(waitingOrganizations, { webhookPk })
  return rows.map(({ waiting, ...row }) => ({ ...row, waiting: Number(waiting) }))
}

function selectEvents(db: QueryBuilder) {
  return db
    .selectFrom('deliveries')
    .innerJoin('audit_entries', 'audit_entries.pk', 'deliveries.entry_pk')
    .select(ENTRY_COLUMNS.map((column) => `audit_entries.${column}` as const))
    .select(['deliveries.pk', 'deliveries.block', 'entry_pk', 'attempts', 'first_failed_at', 'due_at'])
    .select(['error', 'dead_at'])
}

type EventRow = Parameters<typeof toEntry>[0] &
  Pick<Tables['deliveries'], 'entry_pk' | 'attempts' | 'first_failed_at' | 'due_at' | 'error' | 'dead_at'> & {
    pk: number
    block: number
  }

function toDelivery(row: EventRow): Delivery {
  return {
    pk: row.pk,
    entry: toEntry(row),
    place: { block: row.block, pk: row.entry_pk },
    attempts: row.attempts,
    firstFailedAt: row.first_failed_at,
    dueAt: row.due_at,
    error: row.error,
    deadAt: row.dead_at,
  }
}

/** Returns the first events of an organization that wait, in the order of the log. */
export async function selectWaiting(
  tx: Tx,
  of: { webhookPk: number; organization: string; limit: number },
): Promise<Delivery[]> {
  const rows = await tx.query((db) =>
    selectEvents(db)
      .where('webhook_pk', '=', of.webhookPk)
      .where('dead_at', 'is', null)
      .where('deliveries.organization', '=', of.organization)
      .orderBy('deliveries.block')
      .orderBy('entry_pk')
      .limit(of.limit),
  )
  return (rows as EventRow[]).map(toDelivery)
}

/** Returns the events of a webhook that were given up, in the order in which they first failed. */
export async function selectDeadLetters(
  tx: Tx,
  of: { webhookPk: number; after: number; limit: number },
): Promise<Delivery[]> {
  const rows = await tx.query((db) =>
    selectEvents(db)
      .where('webhook_pk', '=', of.webhookPk)
      .where('dead_at', 'is not', null)
      .where('deliveries.pk', '>', of.after)
      .orderBy('deliveries.pk')
      .limit(of.limit),
  )
  return (rows as EventRow[]).map(toDelivery)
}

/** The state of an event that the receiver did not accept. */
export interface DeliveryState {
  readonly attempts: number
  readonly firstFailedAt: string | null
  readonly dueAt: string
  readonly error: string | null
  readonly deadAt: string | null
}

const insert = statement(
  (db, p: DeliveryState & { webhookPk: number; block: number; entryPk: number; organization: string }) =>
    db.insertInto('deliveries').values({
      webhook_pk: p.webhookPk,
      block: p.block,
      entry_pk: p.entryPk,
      organization: p.organization,
      attempts: p.attempts,
      first_failed_at: p.firstFailedAt,
      due_at: p.dueAt,
      error: p.error,
      dead_at: p.deadAt,
    }),
)

/** Inserts an event that waits for another attempt. */
export async function insertDelivery(
  tx: Tx,
  row: DeliveryState & { webhookPk: number; place: LogCursor; organization: string },
): Promise<void> {
  const { place, ...others } = row
  await tx.run(insert, { ...others, block: place.block, entryPk: place.pk })
}

const update = statement((db, p: DeliveryState & { pk: number }) =>
  db
    .updateTable('deliveries')
    .set({
      attempts: p.attempts,
      first_failed_at: p.firstFailedAt,
      due_at: p.dueAt,
      error: p.error,
      dead_at: p.deadAt,
    })
    .where('pk', '=', p.pk),
)

/** Stores a failed attempt. */
export async function updateDelivery(tx: Tx, pk: number, state: DeliveryState): Promise<void> {
  await tx.run(update, { pk, ...state })
}

const deleteOne = statement((db, p: { pk: number }) => db.deleteFrom('deliveries').where('pk', '=', p.pk))

/** Deletes an event that the receiver has accepted. */
export async function deleteDelivery(tx: Tx, pk: number): Promise<void> {
  await tx.run(deleteOne, { pk })
}

/** Deletes the events that wait for a webhook, except those of some operations. */
export async function deleteWaitingExcept(
  tx: Tx,
  webhookPk: number,
  operations: readonly string[],
): Promise<void> {
  await tx.query((db) =>
    db
      .deleteFrom('deliveries')
      .where('webhook_pk', '=', webhookPk)
      .where('dead_at', 'is', null)
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('audit_entries')
            .select('audit_entries.pk')
            .whereRef('audit_entries.pk', '=', 'deliveries.entry_pk')
            .where('audit_entries.operation', 'not in', [...operations]),
        ),
      ),
  )
}

const deleteOld = statement((db, p: { before: string }) =>
  db.deleteFrom('deliveries').where('dead_at', '<', p.before),
)

/** Deletes the events that were given up before a time. Returns how many. */
export async function deleteDeadLetters(tx: Tx, before: string): Promise<number> {
  return tx.run(deleteOld, { before })
}
