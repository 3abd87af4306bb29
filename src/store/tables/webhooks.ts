import { type SqlBool, sql } from 'kysely'
import type { Webhook } from '../../model/webhooks.ts'
import type { LogCursor } from '../audit/follow.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

type WebhookRow = Omit<Tables['webhooks'], 'pk'> & { pk: number }

/** A webhook with the columns that only the deliverer and the use cases read. */
export interface StoredWebhook extends Webhook {
  readonly pk: number
  readonly providerPk: number
  readonly organizationPk: number
  readonly sealedSecret: string
  readonly cursor: LogCursor
}

/** The webhooks that a caller may see: those of its organization, and those below it. */
export interface WebhookReach {
  readonly providerPk: number
  /** Null for the provider itself, which sees all webhooks below it. */
  readonly ownPk: number | null
}

/** A webhook as it is inserted. */
export interface NewWebhookRow {
  readonly id: string
  readonly providerPk: number
  readonly organizationPk: number
  readonly organizationId: string
  readonly url: string
  readonly name: string | null
  /** Null for all. */
  readonly operations: readonly string[] | null
  readonly sealedSecret: string
  readonly block: number
  readonly entryPk: number
  readonly now: string
}

function toText(operations: readonly string[] | null): string | null {
  return operations && JSON.stringify(operations)
}

const insert = statement((db, p: Omit<NewWebhookRow, 'operations'> & { operations: string | null }) =>
  db.insertInto('webhooks').values({
    id: p.id,
    provider_pk: p.providerPk,
    organization_pk: p.organizationPk,
    organization_id: p.organizationId,
    url: p.url,
    name: p.name,
    operations: p.operations,
    sealed_secret: p.sealedSecret,
    secret_at: null,
    old_secret_until: null,
    cursor_block: p.block,
    cursor_pk: p.entryPk,
    failures: 0,
    error: null,
    delivered_at: null,
    due_at: null,
    leased_until: null,
    leased_by: null,
    created_at: p.now,
  }),
)

/** Inserts a webhook, whose first event is the one after a place of the log. */
export async function insertWebhook(tx: Tx, row: NewWebhookRow): Promise<void> {
  await tx.run(insert, { ...row, operations: toText(row.operations) })
}

function selectWebhooks(db: QueryBuilder) {
  const count = (state: string) =>
    sql<number>`(select count(*) from deliveries where webhook_pk = webhooks.pk and dead_at ${sql.raw(state)})`
  return db
    .selectFrom('webhooks')
    .selectAll('webhooks')
    .select([count('is null').as('waiting'), count('is not null').as('dead')])
}

type CountedRow = WebhookRow & { waiting: number; dead: number }

function toWebhook(row: CountedRow): StoredWebhook {
  return {
    pk: row.pk,
    id: row.id,
    organizationId: row.organization_id,
    url: row.url,
    name: row.name,
    operations: row.operations === null ? null : JSON.parse(row.operations),
    createdAt: row.created_at,
    secretAt: row.secret_at ?? row.created_at,
    oldSecretUntil: row.old_secret_until,
    deliveredAt: row.delivered_at,
    failures: row.failures,
    error: row.error,
    waiting: Number(row.waiting),
    deadLetters: Number(row.dead),
    providerPk: row.provider_pk,
    organizationPk: row.organization_pk,
    sealedSecret: row.sealed_secret,
    cursor: { block: row.cursor_block, pk: row.cursor_pk },
  }
}

function isWithin(p: WebhookReach) {
  return sql<SqlBool>`provider_pk = ${p.providerPk} and (cast(${p.ownPk} as integer) is null or organization_pk = ${p.ownPk})`
}

const selectReachable = statement((db, p: WebhookReach & { id: string }) =>
  selectWebhooks(db).where('id', '=', p.id).where(isWithin(p)),
)

/** Returns the webhook with this id, if it is within reach. Costs the same for one out of reach and for none. */
export async function selectWebhook(
  tx: Tx,
  id: string,
  reach: WebhookReach,
): Promise<StoredWebhook | undefined> {
  const row = (await tx.get(selectReachable, { id, ...reach })) as CountedRow | undefined
  return row && toWebhook(row)
}

const selectAll = statement((db, p: WebhookReach) => selectWebhooks(db).where(isWithin(p)).orderBy('pk'))

/** Returns the webhooks within reach, oldest first. */
export async function selectAllWebhooks(tx: Tx, reach: WebhookReach): Promise<StoredWebhook[]> {
  return ((await tx.all(selectAll, reach)) as CountedRow[]).map(toWebhook)
}

const countOf = statement((db, p: { pk: number }) =>
  db
    .selectFrom('webhooks')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('organization_pk', '=', p.pk),
)

/** Counts the webhooks of an organization. */
export async function countWebhooks(tx: Tx, organizationPk: number): Promise<number> {
  return Number((await tx.get(countOf, { pk: organizationPk }))?.total ?? 0)
}

type Content = Pick<NewWebhookRow, 'url' | 'name' | 'operations'>

const setContent = statement(
  (db, p: Omit<Content, 'operations'> & { pk: number; operations: string | null }) =>
    db
      .updateTable('webhooks')
      .set({ url: p.url, name: p.name, operations: p.operations })
      .where('pk', '=', p.pk),
)

/** Replaces what callers can change of a webhook. */
export async function updateWebhookContent(tx: Tx, pk: number, content: Content): Promise<void> {
  await tx.run(setContent, { pk, ...content, operations: toText(content.operations) })
}

interface NewSecret {
  readonly sealedSecret: string
  readonly oldSecretUntil: string | null
  readonly now: string
}

const replaceSecret = statement((db, p: NewSecret & { pk: number }) =>
  db
    .updateTable('webhooks')
    .set({ sealed_secret: p.sealedSecret, secret_at: p.now, old_secret_until: p.oldSecretUntil })
    .where('pk', '=', p.pk),
)

/** Replaces the secret of a webhook. Its place in the log stays. */
export async function updateWebhookSecret(tx: Tx, pk: number, secret: NewSecret): Promise<void> {
  await tx.run(replaceSecret, { pk, ...secret })
}

const deleteDeliveries = statement((db, p: { pk: number }) =>
  db.deleteFrom('deliveries').where('webhook_pk', '=', p.pk),
)
const deleteRow = statement((db, p: { pk: number }) => db.deleteFrom('webhooks').where('pk', '=', p.pk))

/** Deletes a webhook with everything that waits for it. */
export async function deleteWebhookByPk(tx: Tx, pk: number): Promise<void> {
  await tx.run(deleteDeliveries, { pk })
  await tx.run(deleteRow, { pk })
}

const interrupt = statement((db, p: { pk: number }) =>
  db.updateTable('webhooks').set({ leased_until: null, leased_by: null, due_at: '' }).where('pk', '=', p.pk),
)

/** Lets the next turn of a webhook begin at once. A turn that runs stores nothing. */
export async function interruptWebhook(tx: Tx, pk: number): Promise<void> {
  await tx.run(interrupt, { pk })
}

const clearFailures = statement((db, p: { pk: number }) =>
  db.updateTable('webhooks').set({ failures: 0 }).where('pk', '=', p.pk),
)
const clearAttempts = statement((db, p: { pk: number }) =>
  db
    .updateTable('deliveries')
    .set({ attempts: 0, first_failed_at: null, due_at: '' })
    .where('webhook_pk', '=', p.pk)
    .where('dead_at', 'is', null),
)

/** Forgets that a receiver has failed: everything that waits is due, and has the full time until it is given up. */
export async function forgetFailures(tx: Tx, pk: number): Promise<void> {
  await tx.run(clearFailures, { pk })
  await tx.run(clearAttempts, { pk })
}

const moveCursor = statement((db, p: { pk: number; block: number; entryPk: number }) =>
  db
    .updateTable('webhooks')
    .set({ cursor_block: p.block, cursor_pk: p.entryPk, failures: 0 })
    .where('pk', '=', p.pk),
)
const deleteFrom = statement((db, p: { pk: number; block: number; entryPk: number }) =>
  db
    .deleteFrom('deliveries')
    .where('webhook_pk', '=', p.pk)
    .where((eb) =>
      eb.or([eb('block', '>', p.block), eb.and([eb('block', '=', p.block), eb('entry_pk', '>', p.entryPk)])]),
    ),
)

/**
 * Moves a webhook back to a place of the log. What waits or was given up after that place is deleted, because it is
 * read from the log again. A turn that runs stores nothing.
 */
export async function rewindWebhook(tx: Tx, pk: number, { block, pk: entryPk }: LogCursor): Promise<void> {
  await tx.run(deleteFrom, { pk, block, entryPk })
  await tx.run(moveCursor, { pk, block, entryPk })
  await interruptWebhook(tx, pk)
}

const makeDue = statement((db, p: { pk: number }) =>
  db.updateTable('webhooks').set({ due_at: '' }).where('pk', '=', p.pk),
)
const reviveAll = statement((db, p: { pk: number }) =>
  db
    .updateTable('deliveries')
    .set({ dead_at: null, attempts: 0, first_failed_at: null, due_at: '' })
    .where('webhook_pk', '=', p.pk)
    .where('dead_at', 'is not', null),
)

/** Lets the events that were given up wait for another attempt. Returns how many there are. */
export async function reviveDeadLetters(tx: Tx, pk: number): Promise<number> {
  await tx.run(makeDue, { pk })
  return tx.run(reviveAll, { pk })
}
