import type { Context } from '../../model/context.ts'
import {
  type Checked,
  type Explanation,
  type NextStep,
  REQUEST_STEPS,
  type Reason,
  toSteps,
} from '../../model/explain.ts'
import { selectAttemptsOfChanges } from '../../store/accounts/attempts.ts'
import { type EntrySeal, selectSeal } from '../../store/audit/removals.ts'
import { type RequestEntry, selectEntriesOfRequest } from '../../store/audit/requests.ts'
import type { Tx } from '../../store/port.ts'
import { type DescribedEntry, describeEntries, toLogReader } from '../audit-entries.ts'
import type { Directory } from '../directory.ts'
import type { ShownAttempt } from '../timeline.ts'
import { runRead } from '../unit.ts'
import { choosePermitted } from './next-steps.ts'

/** The most entries of one request that are read. An import has one for each row. */
const MAX_ENTRIES = 500

/** What one request did, and what became of it. */
export interface RequestExplanation extends Explanation {
  readonly correlationId: string
  /** In the order of the log. */
  readonly entries: readonly DescribedEntry[]
  /** The attempts to bring what it changed to platforms, oldest first. */
  readonly attempts: readonly ShownAttempt[]
  /** The block of the audit log that seals the last of these entries; null until then. */
  readonly block: EntrySeal['block']
  /** Whether the request has more entries than these. */
  readonly more: boolean
  /** The outcome of each entry, counted. */
  readonly outcomes: Readonly<Record<string, number>>
}

/**
 * Explains what a request did: it was recorded and is on the platform; it is not there yet; it was refused, and why; or
 * nothing is known of it, because it was not authenticated, only read, or belongs to others.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function explainRequest(
  dir: Directory,
  ctx: Context,
  correlationId: string,
): Promise<RequestExplanation> {
  return runRead(dir, ctx, 'ExplainRequest', async ({ tx }) => {
    const reader = toLogReader(ctx)
    const wanted = { correlationId, limit: MAX_ENTRIES + 1 }
    const found = isReadable(correlationId) ? await selectEntriesOfRequest(tx, reader, wanted) : []
    const entries = found.slice(0, MAX_ENTRIES)
    const described = await describeEntries(dir, tx, { reader, entries })
    const { attempts, waiting } = await listAttempts(tx, ctx, described)
    const about = described.map((one) => one.about?.userId ?? one.id)
    const facts = { correlationId, entries, about, waiting }
    const checked = REQUEST_STEPS.map((code): Checked => ({ code, found: CHECKS[code](facts) }))
    const { steps, failed, reason } = toSteps(checked)
    const last = entries.at(-1)
    return {
      ...{ correlationId, steps, failed, next: choosePermitted(ctx, listNext(facts, reason)) },
      ...{ entries: described, attempts },
      block: last ? (await selectSeal(tx, last.id, last.number)).block : null,
      more: found.length > MAX_ENTRIES,
      outcomes: countOutcomes(entries),
    }
  })
}

/** The most rows of attempts of one request. */
const MAX_SHOWN = 200

/**
 * Returns the attempts to apply what entries changed, and the ids of the users whose accounts still lack it. Another
 * change may have been made in the same millisecond.
 */
async function listAttempts(
  tx: Tx,
  ctx: Context,
  entries: readonly DescribedEntry[],
): Promise<{ readonly attempts: readonly ShownAttempt[]; readonly waiting: ReadonlySet<string> }> {
  const { kind, pk, providerPk } = ctx.organization
  const area = { providerPk, resellerPk: kind === 'reseller' ? pk : undefined, ofDeleted: true }
  const times = [...new Set(entries.map(({ at }) => at))]
  const found = await selectAttemptsOfChanges(tx, area, { times, limit: MAX_SHOWN })
  const hidden = kind === 'provider' ? {} : { error: null, node: null }
  const waiting = new Set<string>()
  const attempts = found.flatMap(({ organizationId, isWaiting, ...attempt }) => {
    const entry = entries.find(({ at, about }) => {
      const isOfUser = about?.userId === attempt.userId
      return at === attempt.changedAt && (isOfUser || about?.id === organizationId)
    })
    if (!entry) return []
    if (isWaiting) waiting.add(attempt.userId)
    return [{ ...attempt, ...hidden, correlationId: entry.correlationId }]
  })
  return { attempts, waiting }
}

/** Returns whether a text is worth a look-up: correlation ids are UUIDs, so they have no other characters. */
function isReadable(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text)
}

function countOutcomes(entries: readonly RequestEntry[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of entries) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** What is known of a request. */
interface Facts {
  readonly correlationId: string
  readonly entries: readonly RequestEntry[]
  /** The id of each entry's user; that of the entry if it is about no user. */
  readonly about: readonly string[]
  /** The ids of the users whose accounts lack what it changed, although that was tried. */
  readonly waiting: ReadonlySet<string>
}

type Check = (facts: Facts) => Checked['found']

const CHECKS: Readonly<Record<(typeof REQUEST_STEPS)[number], Check>> = {
  request_known: ({ entries, correlationId }) =>
    entries.length > 0 || { code: 'not_recorded', params: { correlationId } },
  request_permitted: ({ entries }) => findRefusal(entries, (outcome) => FORBIDDEN.has(outcome)) ?? true,
  request_accepted: ({ entries }) => findRefusal(entries, () => true) ?? true,
  request_applied({ entries, about, waiting }) {
    const pick = (isMeant: (entry: RequestEntry) => boolean): string[] =>
      about.filter((_, i) => isMeant(entries[i] as RequestEntry))
    const failures = pick(({ status, isRefused }) => status === 'Failed' && !isRefused)
    const late = new Set([...waiting, ...pick(({ status }) => status === 'Processing')])
    for (const one of failures) late.delete(one)
    const failed = failures.length
    return late.size + failed === 0 || { code: 'not_applied', params: { waiting: late.size, failed } }
  },
}

/** Outcomes of callers who may not do it, or not there. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  ...['not_permitted', 'portal_not_in_context', 'reseller_not_own', 'reseller_not_related'],
])

function findRefusal(
  entries: readonly RequestEntry[],
  isMeant: (outcome: string) => boolean,
): Reason | undefined {
  const refused = entries.find(({ isRefused, outcome }) => isRefused && isMeant(outcome))
  if (!refused) return undefined
  return { code: 'refused', params: { operation: refused.operation, code: refused.outcome } }
}

function listNext({ entries, waiting }: Facts, reason: Reason | null): NextStep[] {
  if (reason?.code === 'not_applied') {
    const late = entries.find(({ status, isRefused }) => status !== 'Succeeded' && !isRefused)
    const [userId = late?.target] = waiting
    return userId ? [{ code: 'explain_user', params: { userId } }] : []
  }
  if (reason?.code !== 'refused') return []
  const { code, operation } = reason.params
  const caller = entries.find((entry) => entry.isRefused && entry.outcome === code)?.caller
  if (FORBIDDEN.has(code) && caller && caller.kind !== 'operator')
    return [{ code: 'explain_access', params: { caller: caller.id, operation } }]
  return [{ code: 'correct_request', params: { code } }]
}
