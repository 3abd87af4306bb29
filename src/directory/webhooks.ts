import type { Context } from '../model/context.ts'
import { DirectoryError, type Issue } from '../model/error.ts'
import { findTimeOfId, foldId, newId } from '../model/ids.ts'
import { DAY_MS, isTime, toUtc } from '../model/times.ts'
import {
  checkWebhook,
  type DeadLetter,
  MAX_WEBHOOKS,
  type NewWebhook,
  type ReceiverRule,
  toOperationSet,
  type Webhook,
} from '../model/webhooks.ts'
import { selectLogEnd, selectLogPlaceAt } from '../store/audit/follow.ts'
import type { Tx } from '../store/port.ts'
import { deleteDeadLetters, selectDeadLetters } from '../store/tables/deliveries.ts'
import { takeLock } from '../store/tables/locks.ts'
import {
  countWebhooks,
  deleteWebhookByPk,
  insertWebhook,
  reviveDeadLetters,
  rewindWebhook,
  type StoredWebhook,
  selectAllWebhooks,
  selectWebhook,
  type WebhookReach,
} from '../store/tables/webhooks.ts'
import type { Directory } from './directory.ts'
import { read, runRead, runUnit, write } from './unit.ts'
import { toEvents } from './webhook-events.ts'
import { newWebhookSecret, openWebhookSecrets, sealWebhookSecrets } from './webhook-secrets.ts'

/** A new webhook. Its secret is returned only here. */
export interface IssuedWebhook {
  readonly id: string
  /** In the form of Standard Webhooks: `whsec_` and 32 bytes in base64. */
  readonly secret: string
}

/**
 * Creates a webhook of the organization of the context. It gets the events from now on.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `too_many_webhooks`, `store_unavailable`
 */
export function createWebhook(
  dir: Directory,
  ctx: Context,
  input: NewWebhook & { readonly receivers: ReceiverRule },
): Promise<IssuedWebhook> {
  const issues = checkWebhook(input, input.receivers)
  const subject = { operation: 'CreateWebhook', issues, returnsSecret: true } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const { tx, now } = unit
    const { organization } = ctx
    await takeLock(tx, `webhooks of ${organization.id}`, now)
    if ((await countWebhooks(tx, organization.pk)) >= MAX_WEBHOOKS) throw tooMany()
    const id = newId()
    const secret = newWebhookSecret()
    const end = await selectLogEnd(tx)
    await insertWebhook(tx, {
      id,
      providerPk: organization.providerPk,
      organizationPk: organization.pk,
      organizationId: organization.id,
      url: input.url,
      name: input.name ?? null,
      operations: toOperationSet(input.operations ?? null),
      sealedSecret: sealWebhookSecrets(dir, { id, organizationId: organization.id }, { secret, former: [] }),
      block: end.block,
      entryPk: end.pk,
      now,
    })
    await unit.audit({ outcome: 'created', target: id, changedFields: ['url', 'name', 'operations'] })
    return { id, secret }
  })
}

function tooMany(): DirectoryError {
  const message = `An organization has at most ${MAX_WEBHOOKS} webhooks; delete one first.`
  return new DirectoryError('too_many_webhooks', message)
}

/** Leaves out what only Usher itself reads. */
function toWebhook(stored: StoredWebhook, now: Date): Webhook {
  const { pk, providerPk, organizationPk, sealedSecret, cursor, ...webhook } = stored
  const { oldSecretUntil: until } = webhook
  return { ...webhook, oldSecretUntil: until !== null && until > now.toISOString() ? until : null }
}

function reachOf({ organization: { kind, pk, providerPk } }: Context): WebhookReach {
  return { providerPk, ownPk: kind === 'provider' ? null : pk }
}

/**
 * Returns a webhook in reach of the context.
 * @throws {DirectoryError} `webhook_not_found`
 */
export async function getReachableWebhook(tx: Tx, ctx: Context, id: string): Promise<StoredWebhook> {
  const webhook = await selectWebhook(tx, foldId(id), reachOf(ctx))
  if (webhook) return webhook
  throw new DirectoryError('webhook_not_found', `There is no webhook with the id ${id}.`)
}

/**
 * Lists the webhooks of the organization of the context and of those below it, oldest first.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listWebhooks(dir: Directory, ctx: Context): Promise<Webhook[]> {
  return runRead(dir, ctx, 'ListWebhooks', async ({ tx }) =>
    (await selectAllWebhooks(tx, reachOf(ctx))).map((one) => toWebhook(one, dir.now())),
  )
}

/**
 * Returns a webhook with the state of its deliveries.
 * @throws {DirectoryError} `not_permitted`, `webhook_not_found`, `store_unavailable`
 */
export function getWebhook(dir: Directory, ctx: Context, id: string): Promise<Webhook> {
  return runRead(dir, ctx, 'GetWebhook', async ({ tx }) =>
    toWebhook(await getReachableWebhook(tx, ctx, id), dir.now()),
  )
}

/**
 * Deletes a webhook, with everything that waits for it.
 * @throws {DirectoryError} `not_permitted`, `webhook_not_found`, `store_unavailable`
 */
export function deleteWebhook(dir: Directory, ctx: Context, id: string): Promise<void> {
  return runUnit(dir, ctx, { operation: 'DeleteWebhook', target: id }, async (unit) => {
    const { pk, organizationId, ...webhook } = await getReachableWebhook(unit.tx, ctx, id)
    await deleteWebhookByPk(unit.tx, pk)
    await unit.audit({ outcome: 'deleted', organization: organizationId, target: webhook.id })
  })
}

/**
 * Lists the events that were given up.
 * @param page.after the `number` of the last one of the page before; 0 for the first page
 * @throws {DirectoryError} `not_permitted`, `webhook_not_found`, `store_unavailable`
 */
export function listDeadLetters(
  dir: Directory,
  ctx: Context,
  { id, ...page }: { id: string; after: number; limit: number },
): Promise<DeadLetter[]> {
  return runRead(dir, ctx, 'ListDeadLetters', async ({ tx }) => {
    const webhook = await getReachableWebhook(tx, ctx, id)
    const letters = await selectDeadLetters(tx, { webhookPk: webhook.pk, ...page })
    const entries = letters.map(({ entry }) => entry)
    const events = await toEvents(tx, webhook, entries)
    return letters.flatMap(({ pk, attempts, error, deadAt }, i) => {
      const event = events[i]
      return event ? [{ number: pk, event, attempts, error, failedAt: deadAt ?? '' }] : []
    })
  })
}

/** How long the events that were given up are kept, in milliseconds: 30 days. */
const KEEP_DEAD_LETTERS_MS = 30 * DAY_MS

/**
 * Deletes the events that were given up more than 30 days ago. They stay in the audit log. Returns how many.
 * @throws {DirectoryError} `store_unavailable`
 */
export function deleteOldDeadLetters(dir: Directory): Promise<number> {
  const before = new Date(dir.now().getTime() - KEEP_DEAD_LETTERS_MS).toISOString()
  return write(dir, (tx) => deleteDeadLetters(tx, before))
}

/** How much later than its time an entry may come into the log, behind entries of later times: units run side by side. */
const LATE_MS = 60_000

/** What to send again. At least one member is given. */
export interface Replay {
  /** The time (ISO 8601, UTC) or the id of an event, from which on all events are sent again. */
  readonly from?: string | undefined
  /** Whether the events that were given up are tried again. */
  readonly deadLetters?: boolean | undefined
}

/**
 * Sends events again: everything from a time or an event on, or what was given up. Receivers know repeats by their ids.
 * @returns how many events that were given up are tried again
 * @throws {DirectoryError} `not_permitted`, `invalid`, `webhook_not_found`, `store_unavailable`
 */
export function replayWebhook(
  dir: Directory,
  ctx: Context,
  { id, from, deadLetters = false }: Replay & { readonly id: string },
): Promise<number> {
  const time = from === undefined ? undefined : isTime(from) ? toUtc(from) : findTimeOfId(from)
  const issues = checkReplay({ from, deadLetters, time, now: dir.now().toISOString() })
  return runUnit(dir, ctx, { operation: 'ReplayWebhook', target: id, issues }, async (unit) => {
    const { tx } = unit
    const { pk, organizationId, cursor, ...webhook } = await getReachableWebhook(tx, ctx, id)
    const revived = deadLetters ? await reviveDeadLetters(tx, pk) : 0
    if (time !== undefined) {
      const place = await selectLogPlaceAt(tx, new Date(Date.parse(time) - LATE_MS).toISOString())
      // What is being sent now begins at the cursor. A place after it would skip events.
      await rewindWebhook(tx, pk, place.block < cursor.block ? place : cursor)
    }
    await unit.audit({ outcome: 'replayed', organization: organizationId, target: webhook.id })
    return revived
  })
}

function checkReplay(replay: Replay & { readonly time: string | undefined; readonly now: string }): Issue[] {
  const { from, deadLetters, time, now } = replay
  const fault =
    from === undefined
      ? !deadLetters && 'must be given, unless deadLetters is true'
      : time === undefined
        ? 'must be the id of an event, or a time such as 2026-11-22T08:00:00Z'
        : time > now && 'must not be in the future'
  return fault ? [{ path: 'replayFrom', rule: 'time', message: fault }] : []
}

/** A webhook, and the secrets that sign its events, newest first. */
export interface SigningWebhook {
  readonly id: string
  readonly url: string
  readonly secrets: readonly string[]
}

/**
 * Returns what a test event needs, and records the test.
 * @throws {DirectoryError} `not_permitted`, `webhook_not_found`, `store_unavailable`
 * @throws {SealError} if the master keys do not open the secret
 */
export async function beginWebhookTest(dir: Directory, ctx: Context, id: string): Promise<SigningWebhook> {
  await runUnit(dir, ctx, { operation: 'TestWebhook', target: id }, async (unit) => {
    const { organizationId, ...webhook } = await getReachableWebhook(unit.tx, ctx, id)
    await unit.audit({ outcome: 'tested', organization: organizationId, target: webhook.id })
  })
  // Not a result of the unit: a repeated call would get the URL and the sealed secret of the first one.
  return openWebhook(dir, await read(dir, (tx) => getReachableWebhook(tx, ctx, id)))
}

/**
 * Opens the secrets of a webhook.
 * @throws {SealError} if the master keys do not open them
 */
export function openWebhook(
  dir: Directory,
  found: Pick<StoredWebhook, 'id' | 'organizationId' | 'url' | 'sealedSecret'>,
): SigningWebhook {
  const { secret, former } = openWebhookSecrets(dir, found)
  return { id: found.id, url: found.url, secrets: [secret, ...former.map((one) => one.secret)] }
}
