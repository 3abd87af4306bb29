import type { Attempt } from '../model/attempts.ts'
import type { Context } from '../model/context.ts'
import { formatCursor, parseNumbers } from '../model/cursors.ts'
import { toInvalid } from '../model/error.ts'
import { MAX_TIMELINE, type TimelineKind, USUAL_KINDS } from '../model/timelines.ts'
import { selectAttemptsOfUser } from '../store/accounts/attempts.ts'
import { selectChangesOfAccounts, selectEntriesOfUser, type UserEntries } from '../store/audit/timeline.ts'
import { type DescribedEntry, describeEntries, toLogReader } from './audit-entries.ts'
import type { Directory } from './directory.ts'
import { getUserOfAnyState, type ReachableUser, type Scope } from './reach.ts'
import { runRead } from './unit.ts'

/** Which part of a timeline a caller asks for. */
export interface TimelineRequest {
  readonly userId: string
  /** `next` of the page before. */
  readonly after?: string | undefined
  /** At most MAX_TIMELINE items. */
  readonly limit: number
  /** What is shown; `USUAL_KINDS` when left out. */
  readonly kinds?: readonly TimelineKind[] | undefined
}

/** Attempts as a timeline shows them. */
export interface ShownAttempt extends Omit<Attempt, 'error' | 'node'> {
  /** Null also for a reseller: they name parts of the provider's platform. */
  readonly error: string | null
  readonly node: string | null
  /** The request that made the change which was applied; null for a change that Usher made by itself. */
  readonly correlationId: string | null
  /** The user whose account it was. */
  readonly userId: string
}

/** One item of a timeline: an audit entry, or equal attempts in a row. */
export type TimelineItem =
  | { readonly kind: 'entry'; readonly at: string; readonly entry: DescribedEntry }
  | { readonly kind: 'attempts'; readonly at: string; readonly attempts: ShownAttempt }

/** A page of a timeline, newest first. It may have fewer items than its limit, although there are more. */
export interface Timeline {
  readonly items: readonly TimelineItem[]
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null
}

/** The numbers of the last entry and the last attempt of the page before. */
interface Place {
  readonly entry: number
  readonly attempt: number
}

const START: Place = { entry: 1e15 - 1, attempt: 1e15 - 1 }

/**
 * Lists what happened to a user, their accounts and their keys, newest first: audit entries that the context may see,
 * and the attempts to apply it to platforms between them. Also for deleted users.
 * @throws {DirectoryError} `not_permitted`, `invalid` for a cursor of another list, `user_not_found`,
 *   `store_unavailable`
 */
export function listTimeline(dir: Directory, ctx: Context, request: TimelineRequest): Promise<Timeline> {
  return runRead(dir, ctx, 'ListTimeline', async (scope) => {
    const person = await getUserOfAnyState(scope, request.userId)
    const { kinds = USUAL_KINDS } = request
    const about = ['timeline', person.user.id, [...kinds].sort()]
    const place = readPlace(request.after, about)
    const limit = Math.min(request.limit, MAX_TIMELINE)
    const reader = toLogReader(ctx)
    const wanted = { user: person.user, reader, kinds, before: place.entry, limit: limit + 1 }
    const found = await selectEntriesOfUser(scope.tx, wanted)
    const attempts = kinds.includes('platform')
      ? await selectAttemptsOfUser(scope.tx, person.user.pk, { before: place.attempt, limit: limit + 1 })
      : []
    const { items, next } = merge({ found, attempts, place, limit })
    const shown = await describeAttempts(
      scope,
      person,
      items.flatMap((one) => ('count' in one ? [one] : [])),
    )
    const entries = items.flatMap((one) => ('count' in one ? [] : [one]))
    const named = new Map(
      (await describeEntries(dir, scope.tx, { reader, entries })).map((one) => [one.id, one]),
    )
    return {
      items: items.map((one) => toItem(one, { shown, named })),
      next: next && formatCursor([next.entry, next.attempt], about),
    }
  })
}

/** @throws {DirectoryError} `invalid` */
function readPlace(after: string | undefined, about: readonly unknown[]): Place {
  if (after === undefined) return START
  const [entry, attempt] = parseNumbers(after, about, 2) ?? []
  if (entry !== undefined && attempt !== undefined) return { entry, attempt }
  throw toInvalid([{ path: 'after', rule: 'cursor', message: 'must be a cursor of this list' }])
}

type Found = UserEntries['entries'][number] | Attempt

interface Streams {
  readonly found: UserEntries
  readonly attempts: readonly Attempt[]
  readonly place: Place
  readonly limit: number
}

/** Merges entries and attempts by time. Attempts before entries that were not looked at yet wait for the next page. */
function merge({ found, attempts, place, limit }: Streams): { items: Found[]; next: Place | null } {
  const entries = [...found.entries]
  const waiting = [...attempts]
  const items: Found[] = []
  let next = place
  while (items.length < limit) {
    const [entry, attempt] = [entries[0], waiting[0]]
    const isDue = attempt && attempt.lastAt >= (entry?.at ?? found.last?.at ?? '')
    if (isDue) {
      items.push(attempt)
      waiting.shift()
      next = { ...next, attempt: attempt.number }
    } else if (entry) {
      items.push(entry)
      entries.shift()
      next = { ...next, entry: entry.number }
    } else break
  }
  // Entries that were looked at and are not shown need not be looked at again.
  if (entries.length === 0 && found.last) next = { ...next, entry: found.last.number }
  const isEnd = entries.length === 0 && waiting.length === 0 && !found.last
  return { items, next: isEnd ? null : next }
}

async function describeAttempts(
  { tx, ctx }: Scope,
  { user, organization }: ReachableUser,
  attempts: readonly Attempt[],
): Promise<ReadonlyMap<number, ShownAttempt>> {
  const of = { user, organizationPk: organization.pk, providerPk: ctx.organization.providerPk }
  const times = [...new Set(attempts.map(({ changedAt }) => changedAt))]
  const changes = await selectChangesOfAccounts(tx, of, times)
  const hidden = ctx.organization.kind === 'provider' ? {} : { error: null, node: null }
  return new Map(
    attempts.map((one) => {
      const correlationId = changes.get(one.changedAt) ?? null
      return [one.number, { ...one, ...hidden, correlationId, userId: user.id }]
    }),
  )
}

function toItem(
  found: Found,
  { shown, named }: { shown: ReadonlyMap<number, ShownAttempt>; named: ReadonlyMap<string, DescribedEntry> },
): TimelineItem {
  if ('count' in found)
    return { kind: 'attempts', at: found.lastAt, attempts: shown.get(found.number) as ShownAttempt }
  return { kind: 'entry', at: found.at, entry: named.get(found.id) as DescribedEntry }
}
