import { growPause } from '../backoff.ts'
import { toEvents } from '../directory/webhook-events.ts'
import { isEvent, type WebhookEvent } from '../model/webhooks.ts'
import { type LogCursor, type LogPart, type PlacedEntry, selectLogPart } from '../store/audit/follow.ts'
import { selectContexts } from '../store/audit/index-rows.ts'
import type { Tx } from '../store/port.ts'
import {
  type Delivery,
  type DeliveryState,
  deleteDelivery,
  insertDelivery,
  selectWaiting,
  selectWaitingOrganizations,
  updateDelivery,
  type WaitingOrganization,
} from '../store/tables/deliveries.ts'
import {
  type ClaimedWebhook,
  MAX_FAILURES,
  selectFollowed,
  updateWebhookDue,
  updateWebhookTurn,
} from '../store/tables/webhook-turns.ts'
import type { Attempt } from './sender.ts'

/** About how many entries of the log one turn reads. */
const LOG_PART = 200
/** How many parts one turn reads at most: a millisecond each. */
const MAX_PARTS = 5
/** How many organizations with events that wait one turn tries, and how many events of each. */
const WAITING_ORGANIZATIONS = 50
const WAITING_EVENTS = 50
/** With so many events that wait, the log is not read further. */
const MAX_WAITING = 10_000
/** The longest pause between two attempts. */
const MAX_PAUSE_MS = 10 * 60_000

/** One event of a turn. */
export interface Item {
  readonly event: WebhookEvent
  readonly organization: string
  readonly place: LogCursor
  /** Its row, if it waited; undefined for an event from the log. */
  readonly row: Delivery | undefined
}

/** The events of one organization, in their order. */
export interface Queue {
  readonly items: readonly Item[]
}

/** What one turn of a webhook sends, and how it went. */
export class Turn {
  readonly webhook: ClaimedWebhook
  /** What can be sent now. */
  readonly queues: readonly Queue[]
  /** Events from the log of organizations whose earlier events wait. */
  readonly blocked: readonly Item[]
  /** The place in the log after this turn. */
  readonly to: LogCursor
  readonly attempts = new Map<Item, Attempt>()
  readonly isTripped: boolean
  failures: number
  error: string | null
  deliveredAt: string | null = null
  #failed = 0

  constructor(webhook: ClaimedWebhook, parts: Pick<Turn, 'queues' | 'blocked' | 'to'>) {
    this.webhook = webhook
    this.queues = parts.queues
    this.blocked = parts.blocked
    this.to = parts.to
    this.failures = webhook.failures
    this.error = webhook.error
    this.isTripped = webhook.failures >= MAX_FAILURES
  }

  /** Stores the result of an attempt. */
  record(item: Item, attempt: Attempt, now: Date): void {
    this.attempts.set(item, attempt)
    // Attempts at the same time find the same outage, and must not lengthen its first pause.
    const most = this.isTripped ? Number.POSITIVE_INFINITY : MAX_FAILURES
    this.failures = attempt.delivered ? 0 : Math.min(this.failures + 1, most)
    if (attempt.delivered) this.deliveredAt = now.toISOString()
    else {
      this.error = attempt.error
      this.#failed++
    }
  }

  /** Returns whether the receiver seems to be down: it failed in this turn, and too often in a row. */
  isBroken(): boolean {
    return this.#failed > 0 && this.failures >= MAX_FAILURES
  }
}

/**
 * Reads what a webhook can get now.
 * @param now ISO 8601
 */
export async function readTurn(tx: Tx, webhook: ClaimedWebhook, now: string): Promise<Turn> {
  const waiting = await selectWaitingOrganizations(tx, webhook.pk)
  const due = waiting.filter(({ dueAt }) => dueAt <= now).slice(0, WAITING_ORGANIZATIONS)
  const queues = new Map<string, Item[]>()
  for (const { organization } of due) {
    const rows = await selectWaiting(tx, { webhookPk: webhook.pk, organization, limit: WAITING_EVENTS })
    queues.set(organization, await toItems(tx, webhook, rows))
  }
  const { entries, cursor } = await readLog(tx, webhook, countToRead(webhook, waiting))
  const blocked: Item[] = []
  const isBlocked = new Set(waiting.map(({ organization }) => organization))
  for (const item of await toItems(tx, webhook, entries)) {
    const { organization } = item
    if (isBlocked.has(organization)) blocked.push(item)
    else queues.set(organization, [...(queues.get(organization) ?? []), item])
  }
  return new Turn(webhook, { queues: [...queues.values()].map((items) => ({ items })), blocked, to: cursor })
}

/** @param found entries of the log, or events that wait */
async function toItems(
  tx: Tx,
  webhook: ClaimedWebhook,
  found: readonly (PlacedEntry | Delivery)[],
): Promise<Item[]> {
  const entries = found.map(({ entry }) => entry)
  const events = await toEvents(tx, webhook, entries)
  return found.flatMap((one, i) => {
    const event = events[i]
    const row = 'attempts' in one ? one : undefined
    return event ? [{ event, organization: one.entry.organization ?? '', place: one.place, row }] : []
  })
}

/**
 * Returns how many entries to read. While the receiver seems to be down, the events stay in the log, where they cost
 * nothing.
 */
function countToRead({ failures }: ClaimedWebhook, waiting: readonly WaitingOrganization[]): number {
  const count = waiting.reduce((sum, one) => sum + one.waiting, 0)
  if (failures >= MAX_FAILURES) return count > 0 ? 0 : 1
  return count < MAX_WAITING ? LOG_PART : 0
}

/** Reads the next events of a webhook. It reads several parts of the log, if few of their entries are its events. */
async function readLog(tx: Tx, webhook: ClaimedWebhook, count: number): Promise<LogPart> {
  const entries: PlacedEntry[] = []
  let { cursor } = webhook
  for (let parts = 0; parts < MAX_PARTS && entries.length < count / 2; parts++) {
    const part = await selectLogPart(tx, cursor, count)
    if (part.entries.length === 0) break
    entries.push(...(await selectEvents(tx, webhook, part.entries)))
    cursor = part.cursor
  }
  return { entries, cursor }
}

/** Returns the entries that are events of a webhook: of its organizations and operations, and of no other reseller. */
async function selectEvents(
  tx: Tx,
  webhook: ClaimedWebhook,
  entries: readonly PlacedEntry[],
): Promise<readonly PlacedEntry[]> {
  const { operations, providerPk, organizationPk, organizationId } = webhook
  const events = entries.filter(
    ({ entry }) => isEvent(entry) && (operations === null || operations.includes(entry.operation)),
  )
  const ids = new Set(events.map(({ entry }) => entry.organization).filter((id) => id !== null))
  const followed = await selectFollowed(tx, [...ids], webhook)
  const own = events.filter(({ entry: { organization, reseller } }) => {
    const isOwn = reseller === organizationId && providerPk !== organizationPk
    return isOwn || (organization !== null && followed.has(organization))
  })
  if (providerPk === organizationPk) return own
  // Cloud Director and customers change users in the context of any reseller.
  const pks = own.map(({ place }) => place.pk)
  const contexts = await selectContexts(tx, pks)
  return own.filter(({ place }) => (contexts.get(place.pk) ?? organizationId) === organizationId)
}

/** When a turn is stored, and by whom. */
interface Storing {
  readonly by: string
  readonly now: Date
  readonly retryMs: number
}

/** Stores how a turn went, unless the webhook was moved, deleted or taken over meanwhile. */
export async function storeTurn(tx: Tx, turn: Turn, storing: Storing): Promise<void> {
  const { webhook, to, failures, error, deliveredAt } = turn
  const end = { pk: webhook.pk, by: storing.by, from: webhook.cursor, to, failures, deliveredAt }
  if (!(await updateWebhookTurn(tx, end))) return
  for (const item of turn.queues.flatMap(({ items }) => items)) await storeItem(tx, turn, { item, storing })
  for (const item of turn.blocked) await storeItem(tx, turn, { item, storing })
  const waiting = await selectWaitingOrganizations(tx, webhook.pk)
  const [first] = waiting.map((one) => one.dueAt).sort()
  // A receiver that seems to be down is tried with pauses of its own, however many organizations wait.
  const down = failures - MAX_FAILURES + 1
  const waitMs = Math.max(0, ...[...turn.attempts.values()].map((one) => one.waitMs))
  const least = down < 1 ? '' : pauseUntil(storing.now, down, waitMs)
  const dueAt = first !== undefined && first < least ? least : first
  const next = dueAt === undefined ? { dueAt: null, error: null } : { dueAt, error }
  await updateWebhookDue(tx, webhook.pk, next)
}

async function storeItem(
  tx: Tx,
  { webhook, attempts }: Turn,
  { item, storing }: { item: Item; storing: Storing },
): Promise<void> {
  const { row, organization, place } = item
  const attempt = attempts.get(item)
  if (attempt?.delivered) return row ? deleteDelivery(tx, row.pk) : undefined
  if (row) return attempt ? updateDelivery(tx, row.pk, toFailed(row, attempt, storing)) : undefined
  const state = attempt ? toFailed(UNTRIED, attempt, storing) : UNTRIED
  return insertDelivery(tx, { webhookPk: webhook.pk, place, organization, ...state })
}

const UNTRIED: DeliveryState = { attempts: 0, firstFailedAt: null, dueAt: '', error: null, deadAt: null }

/** Returns the state of an event after a failed attempt. */
function toFailed(
  before: Pick<DeliveryState, 'attempts' | 'firstFailedAt'>,
  { error, waitMs }: Attempt,
  { now, retryMs }: Storing,
): DeliveryState {
  const at = now.toISOString()
  const firstFailedAt = before.firstFailedAt ?? at
  const isOver = now.getTime() - Date.parse(firstFailedAt) >= retryMs
  const attempts = before.attempts + 1
  const due = pauseUntil(now, attempts, waitMs)
  return { attempts, firstFailedAt, dueAt: isOver ? '' : due, error, deadAt: isOver ? at : null }
}

/**
 * Returns when the next attempt is due, ISO 8601.
 * @param waitMs how long the receiver asks to wait
 */
function pauseUntil(now: Date, failures: number, waitMs: number): string {
  const pauseMs = Math.max(growPause(failures, MAX_PAUSE_MS), waitMs)
  return new Date(now.getTime() + pauseMs).toISOString()
}
