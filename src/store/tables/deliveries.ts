import { sql } from 'kysely'
import type { AuditEntry } from '../../model/audit.ts'
import type { Lease } from '../accounts/leases.ts'
import { ENTRY_COLUMNS, toEntry } from '../audit/entries.ts'
import type { LogCursor } from '../audit/follow.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

/** A webhook that a process has claimed, with what it needs to deliver. */
export interface ClaimedWebhook {
  readonly pk: number
  readonly id: string
  readonly providerPk: number
  readonly organizationPk: number
  readonly organizationId: string
  readonly url: string
  readonly operations: readonly string[] | null
  readonly sealedSecret: string
  readonly cursor: LogCursor
  readonly failures: number
  readonly error: string | null
}

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

/** After so many failed attempts in a row, no further events are read from the log until one is accepted. */
export const MAX_FAILURES = 5

/**
 * Returns the primary keys of webhooks that have something to do and that this process may claim: the log goes on after
 * their place, or an event is due.
 */
export function selectDueWebhooks(
  tx: Tx,
  due: Pick<Lease, 'now'> & { end: LogCursor; limit: number },
): Promise<{ pk: number }[]> {
  const { now, end, limit } = due
  return tx.query((db) =>
    db
      .selectFrom('webhooks')
      .select('pk')
      .where((eb) => eb.or([eb('leased_until', 'is', null), eb('leased_until', '<', now)]))
      .where((eb) =>
        eb.or([
          eb('due_at', '<=', now),
          eb.and([
            eb.or([eb('failures', '<', MAX_FAILURES), eb('due_at', 'is', null)]),
            eb.or([
              eb('cursor_block', '<', end.block),
              eb.and([eb('cursor_block', '=', end.block), eb('cursor_pk', '<', end.pk)]),
            ]),
          ]),
        ]),
      )
      .orderBy('pk')
      .limit(limit),
  )
}

const claim = statement((db, p: Lease & { pk: number }) =>
  db
    .updateTable('webhooks')
    .set({ leased_until: p.until, leased_by: p.by })
    .where('pk', '=', p.pk)
    .where((eb) => eb.or([eb('leased_until', 'is', null), eb('leased_until', '<', p.now)]))
    .returningAll(),
)

/** Claims a webhook for one turn. Returns undefined if another process has it, or it was deleted. */
export async function claimWebhook(tx: Tx, pk: number, lease: Lease): Promise<ClaimedWebhook | undefined> {
  const row = await tx.get(claim, { pk, ...lease })
  return (
    row && {
      pk: row.pk as number,
      id: row.id,
      providerPk: row.provider_pk,
      organizationPk: row.organization_pk,
      organizationId: row.organization_id,
      url: row.url,
      operations: row.operations === null ? null : JSON.parse(row.operations),
      sealedSecret: row.sealed_secret,
      cursor: { block: row.cursor_block, pk: row.cursor_pk },
      failures: row.failures,
      error: row.error,
    }
  )
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

/** What a turn leaves of a webhook. */
export interface TurnEnd {
  readonly pk: number
  readonly by: string
  /** The place where the turn began. If the webhook was moved meanwhile, nothing is stored. */
  readonly from: LogCursor
  readonly to: LogCursor
  readonly failures: number
  /** When the receiver accepted an event in this turn; null if it did not. */
  readonly deliveredAt: string | null
}

const endTurn = statement(
  (
    db,
    p: Omit<TurnEnd, 'from' | 'to'> & { fromBlock: number; fromPk: number; toBlock: number; toPk: number },
  ) =>
    db
      .updateTable('webhooks')
      .set((eb) => ({
        cursor_block: p.toBlock,
        cursor_pk: p.toPk,
        failures: p.failures,
        delivered_at: eb.fn.coalesce(sql<string | null>`${p.deliveredAt}`, 'delivered_at'),
        leased_until: null,
        leased_by: null,
      }))
      .where('pk', '=', p.pk)
      .where('leased_by', '=', p.by)
      .where('cursor_block', '=', p.fromBlock)
      .where('cursor_pk', '=', p.fromPk),
)

/** Ends the turn of a webhook. Returns false, with nothing stored, if it was moved, deleted or taken over meanwhile. */
export async function updateWebhookTurn(tx: Tx, { from, to, ...end }: TurnEnd): Promise<boolean> {
  const places = { fromBlock: from.block, fromPk: from.pk, toBlock: to.block, toPk: to.pk }
  return (await tx.run(endTurn, { ...end, ...places })) === 1
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

const setDue = statement((db, p: { pk: number; dueAt: string | null; error: string | null }) =>
  db.updateTable('webhooks').set({ due_at: p.dueAt, error: p.error }).where('pk', '=', p.pk),
)

/** Stores when the next attempt of an event that waits is due, and why the last one failed; nulls if none waits. */
export async function updateWebhookDue(
  tx: Tx,
  pk: number,
  next: { dueAt: string | null; error: string | null },
): Promise<void> {
  await tx.run(setDue, { pk, ...next })
}

/** Returns those of the organizations that a webhook gets events of: its own, and those below it. */
export async function selectFollowed(
  tx: Tx,
  ids: readonly string[],
  of: Pick<ClaimedWebhook, 'providerPk' | 'organizationPk'>,
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const isProvider = of.providerPk === of.organizationPk
  const rows = await tx.query((db) => {
    const query = db
      .selectFrom('organizations')
      .select('id')
      .where('id', 'in', [...ids])
    if (isProvider)
      return query.where((eb) => eb.or([eb('pk', '=', of.providerPk), eb('provider_pk', '=', of.providerPk)]))
    return query.where((eb) =>
      eb.or([
        eb('pk', '=', of.organizationPk),
        eb.exists(
          eb
            .selectFrom('customer_resellers')
            .select('customer_pk')
            .whereRef('customer_pk', '=', 'organizations.pk')
            .where('reseller_pk', '=', of.organizationPk),
        ),
      ]),
    )
  })
  return new Set(rows.map(({ id }) => id))
}

const dropLeases = statement((db) =>
  db
    .updateTable('webhooks')
    .set({ leased_until: null, leased_by: null })
    .where('leased_until', 'is not', null),
)

/** Ends the leases of all webhooks. To be used only if no other server uses the store. */
export async function dropWebhookLeases(tx: Tx): Promise<void> {
  await tx.run(dropLeases, {})
}
