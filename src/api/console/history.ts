import type { Static } from 'typebox'
import type { AuditLogEntry } from '../../directory/audit-logs.ts'
import type { Directory } from '../../directory/directory.ts'
import { getReceipt } from '../../directory/receipts.ts'
import { listTimeline } from '../../directory/timeline.ts'
import { TIMELINE_KINDS } from '../../model/timelines.ts'
import type { Route } from '../route.ts'
import type { EntryView } from './contract/entries.ts'
import * as history from './contract/history.ts'
import { DEFAULT_LIMIT } from './contract/parts.ts'
import { serve } from './operation.ts'

/** The operations about what happened to a user. */
export const historyRoutes: readonly Route<{ readonly dir: Directory }>[] = [
  serve(history.listTimeline, async ({ ctx, params, query }, { dir }: { dir: Directory }) => {
    const { after, limit = DEFAULT_LIMIT, show } = query
    const kinds =
      show === undefined ? undefined : TIMELINE_KINDS.filter((kind) => show.split(',').includes(kind))
    const { items, next } = await listTimeline(dir, ctx, { userId: params.id, after, limit, kinds })
    return {
      items: items.map((item) => {
        if (item.kind === 'entry') return { at: item.at, entry: toEntryView(item.entry) }
        const { number: _, lastAt: __, changedAt: ___, ...attempts } = item.attempts
        return { at: item.at, attempts }
      }),
      next,
    }
  }),
  serve(history.getReceipt, async ({ ctx, params }, { dir }: { dir: Directory }) => {
    const { user, organization, entry, seal, erasedAt, accounts } = await getReceipt(dir, ctx, params.id)
    return {
      user: { id: user.id, deletedAt: user.deletedAt, erasedAt },
      organization: { id: organization.id, name: organization.name },
      entry: toEntryView(entry),
      ...seal,
      accounts: accounts.map(({ pk: _, ...account }) => account),
    }
  }),
]

/** Translates an audit entry. */
function toEntryView(entry: AuditLogEntry): Static<typeof EntryView> {
  const { id, at, operation, status, outcome, caller, user, target, correlationId } = entry
  return {
    ...{ id, at, operation, status, outcome, target, correlationId },
    caller: { kind: caller.kind, id: user.id, name: user.name },
    changedFields: [...entry.changedFields],
    changes: entry.changes.map(({ name, before, after }) => ({ name, before, after })),
  }
}
