import type { Directory } from '../../directory/directory.ts'
import { getReceipt } from '../../directory/receipts.ts'
import { listTimeline } from '../../directory/timeline.ts'
import { TIMELINE_KINDS } from '../../model/timelines.ts'
import type { Route } from '../route.ts'
import * as history from './contract/history.ts'
import { DEFAULT_LIMIT } from './contract/parts.ts'
import { toAttempts, toEntry } from './entries.ts'
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
        if (item.kind === 'entry') return { at: item.at, entry: toEntry(item.entry) }
        return { at: item.at, attempts: toAttempts(item.attempts) }
      }),
      next,
    }
  }),
  serve(history.getReceipt, async ({ ctx, params }, { dir }: { dir: Directory }) => {
    const { user, organization, entry, seal, erasedAt, accounts } = await getReceipt(dir, ctx, params.id)
    return {
      user: { id: user.id, deletedAt: user.deletedAt, erasedAt },
      organization: { id: organization.id, name: organization.name },
      entry: toEntry(entry),
      ...seal,
      accounts: accounts.map(({ pk: _, ...account }) => account),
    }
  }),
]
