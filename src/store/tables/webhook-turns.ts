import { sql } from 'kysely'
import type { Lease } from '../accounts/leases.ts'
import type { LogCursor } from '../audit/follow.ts'
import type { Tx } from '../port.ts'
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

/** After so many failed attempts in a row, no further events are read from the log until one is accepted. */
export const MAX_FAILURES = 5

/**
 * Returns the primary keys of webhooks that have something to do and that this process may claim: the log goes on after
 * their place, or an event is due.
 */
export function selectDueWebhooks(
  tx: Tx,
  due: Pick<Lease, 'now'> & { end: LogCursor; limit: number },
): Promise<{ pk: number; organizationPk: number }[]> {
  const { now, end, limit } = due
  return tx.query((db) =>
    db
      .selectFrom('webhooks')
      .select(['pk', 'organization_pk as organizationPk'])
      .where((eb) => eb.or([eb('leased_until', 'is', null), eb('leased_until', '<', now)]))
      // A deleted reseller gets nothing more. SQLite may give the key of a deleted row to a new one.
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('organizations')
            .select('organizations.pk')
            .whereRef('organizations.pk', '=', 'webhooks.organization_pk')
            .whereRef('organizations.id', '=', 'webhooks.organization_id')
            .where('organizations.deleted_at', 'is', null),
        ),
      )
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

/**
 * Returns those of the organizations that a webhook gets events of: its own, and those below it. An organization whose
 * row is gone counts as one of the provider, if there is no other provider.
 */
export async function selectFollowed(
  tx: Tx,
  ids: readonly string[],
  of: Pick<ClaimedWebhook, 'providerPk' | 'organizationPk'>,
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  if (of.providerPk === of.organizationPk) return selectBelowProvider(tx, ids, of.providerPk)
  const rows = await tx.query((db) => {
    const query = db
      .selectFrom('organizations')
      .select('id')
      .where('id', 'in', [...ids])
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

async function selectBelowProvider(
  tx: Tx,
  ids: readonly string[],
  providerPk: number,
): Promise<ReadonlySet<string>> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('organizations')
      .select(['id', 'pk', 'provider_pk'])
      .where('id', 'in', [...ids]),
  )
  const own = rows.filter((row) => (row.provider_pk ?? row.pk) === providerPk).map(({ id }) => id)
  const gone = ids.filter((id) => !rows.some((row) => row.id === id))
  if (gone.length === 0) return new Set(own)
  const providers = await tx.query((db) =>
    db.selectFrom('organizations').select('pk').where('kind', '=', 'provider').limit(2),
  )
  return new Set(providers.length === 1 ? [...own, ...gone] : own)
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
