import { type AuditEntry, type EntryOutcome, type Operation, WRITES } from './audit.ts'
import type { Issue } from './error.ts'
import type { IssueRule } from './rules.ts'
import { checkText } from './text.ts'

/** The most webhooks of one organization. */
export const MAX_WEBHOOKS = 20
/** The most characters of the URL of a webhook. */
export const MAX_WEBHOOK_URL = 1_000

/** A URL that gets the events of an organization. Times are ISO 8601, UTC. */
export interface Webhook {
  readonly id: string
  readonly organizationId: string
  readonly url: string
  readonly name: string | null
  /** Only events of these operations are sent; null for all. */
  readonly operations: readonly string[] | null
  readonly createdAt: string
  /** When the secret was made. */
  readonly secretAt: string
  /** Until when events are signed with a replaced secret, too; null if none is. */
  readonly oldSecretUntil: string | null
  /** When the receiver last accepted an event; null before. */
  readonly deliveredAt: string | null
  /** How many attempts have failed since the receiver last accepted an event; those at the same time are five at most. */
  readonly failures: number
  /** Why the last failed attempt failed; null if no event waits. */
  readonly error: string | null
  /** Events that wait for another attempt, and those that were given up. */
  readonly waiting: number
  readonly deadLetters: number
}

/** An event that a receiver did not accept for so long that it was given up. */
export interface DeadLetter {
  readonly number: number
  readonly event: WebhookEvent
  readonly attempts: number
  readonly error: string | null
  readonly failedAt: string
}

/** An event: a change of the directory, as the audit log has it. It holds ids and names of members, never values. */
export interface WebhookEvent {
  /** The id of the audit entry. Every attempt has it, so that receivers can drop repeats. */
  readonly id: string
  readonly type: string
  /** When the change was made, ISO 8601. */
  readonly timestamp: string
  readonly data: Readonly<Record<string, unknown>>
}

/**
 * Operations that change nothing which a receiver follows: tokens, keys, jobs, webhooks, work on platforms, reads of the
 * audit log.
 */
const NO_EVENTS: ReadonlySet<Operation> = new Set<Operation>([
  'SignIn',
  'SignOut',
  'EndSession',
  'CreateSignInLink',
  'DeleteSignInLink',
  'BindIdentity',
  'IssueToken',
  'CreateRefreshToken',
  'RefreshToken',
  'RevokeRefreshToken',
  'RotateKey',
  'RotateSigningKey',
  'RestoreDirectory',
  'AdoptCluster',
  'RetryAccounts',
  'RetryUser',
  'ReapplyAccount',
  'MendAccount',
  'SuspendForeignAccount',
  'StopJob',
  'ResumeJob',
  'CreateWebhook',
  'UpdateWebhook',
  'DeleteWebhook',
  'ReplayWebhook',
  'RotateWebhook',
  'TestWebhook',
  'VerifyAudit',
  'ExportAudit',
])

/** The operations that have events, sorted. */
export const EVENT_OPERATIONS: readonly Operation[] = WRITES.filter((one) => !NO_EVENTS.has(one)).sort()

const WITH_EVENTS: ReadonlySet<string> = new Set(EVENT_OPERATIONS)

/** Outcomes that say that nothing was changed. */
const NO_CHANGES: ReadonlySet<EntryOutcome> = new Set<EntryOutcome>(['read', 'repeated', 'replayed'])

/** Returns whether an audit entry is an event: a change that has succeeded. */
export function isEvent({ operation, status, outcome }: AuditEntry): boolean {
  return status === 'Succeeded' && WITH_EVENTS.has(operation) && !NO_CHANGES.has(outcome)
}

/** Makes the event of an audit entry. */
export function toEvent(entry: AuditEntry): WebhookEvent {
  const { id, operation, at, outcome, organization, reseller, target, changedFields } = entry
  const { correlationId, caller } = entry
  return {
    id,
    type: operation,
    timestamp: at,
    data: {
      ...{ organizationId: organization, resellerId: reseller, target, outcome },
      ...{ changedFields, correlationId, caller },
    },
  }
}

/** What a caller sends to make a webhook. */
export interface NewWebhook {
  readonly url: string
  readonly name?: string | null | undefined
  readonly operations?: readonly string[] | null | undefined
}

/** What a caller changes of a webhook. Members that are left out stay as they are. */
export interface WebhookChanges extends Omit<NewWebhook, 'url'> {
  readonly url?: string | undefined
}

/** Returns operations sorted and each once, as a webhook has them; null for all. */
export function toOperationSet(operations: readonly string[] | null): readonly string[] | null {
  return operations && [...new Set(operations)].sort()
}

/** Where receivers may be. */
export interface ReceiverRule {
  /** Whether receivers may be inside the network of the provider, and speak plain `http` there. */
  readonly allowsHttp: boolean
  /**
   * Returns whether the host of a URL may be a receiver. Names may: their addresses are checked when a connection is
   * made.
   */
  permitsHost(url: URL): boolean
}

/** Checks a new webhook, or the changes of one. */
export function checkWebhook(
  { url, name = null, operations }: WebhookChanges,
  receivers: ReceiverRule,
): Issue[] {
  const unknown = [...(operations ?? []).entries()].filter(([, one]) => !WITH_EVENTS.has(one))
  return [
    ...(url === undefined ? [] : checkUrl(url, receivers)),
    ...checkText('name', name),
    ...unknown.map(([i]) => issue(`operations[${i}]`, 'operation', 'must be an operation that has events')),
    ...(operations?.length === 0 ? [issue('operations', 'minItems', 'must not be empty; null is all')] : []),
  ]
}

function checkUrl(text: string, receivers: ReceiverRule): Issue[] {
  const schemes = receivers.allowsHttp ? ['https:', 'http:'] : ['https:']
  if (text.length > MAX_WEBHOOK_URL)
    return [issue('url', 'maxLength', `must have at most ${MAX_WEBHOOK_URL} characters`)]
  // The parser also accepts `https:host` and `https:\\host`.
  const isWritten = /^https?:\/\/[^/\\]/i.test(text) && !/[\p{Cc}\s]/u.test(text)
  const url = isWritten && URL.canParse(text) ? new URL(text) : undefined
  if (!url || !schemes.includes(url.protocol))
    return [issue('url', 'url', `must be a URL that begins with ${schemes.join('// or ')}//`)]
  // Also an empty user and password (`https://@host`), which the parser drops.
  if (/^[^/]+\/\/[^/?\\]*@/.test(text) || text.includes('#'))
    return [issue('url', 'url', 'must have no user, no password and no fragment')]
  if (url.port === '0') return [issue('url', 'url', 'must have a port from 1 to 65535')]
  return receivers.permitsHost(url) ? [] : [issue('url', 'url', describePlaces(url))]
}

/** Says where the receiver of a URL may be. The host is written as the parser reads it: `2130706433` is 127.0.0.1. */
function describePlaces({ protocol, hostname }: URL): string {
  const inside = 'in a network of USHER_WEBHOOK_NETWORKS'
  return protocol === 'http:'
    ? `must have a host ${inside}, or begin with https://: ${hostname} is in none`
    : `must have a host on the internet, or ${inside}: ${hostname} is in neither`
}

function issue(path: string, rule: IssueRule, message: string): Issue {
  return { path, rule, message }
}
