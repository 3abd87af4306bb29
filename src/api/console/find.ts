import type { Directory } from '../../directory/directory.ts'
import { explainRequest } from '../../directory/explain/request.ts'
import { find } from '../../directory/find.ts'
import type { Explainer } from '../../provisioning/explain.ts'
import type { Route } from '../route.ts'
import * as contract from './contract/find.ts'
import { toAttempts, toEntry } from './entries.ts'
import { serve } from './operation.ts'

/** What finding and explaining need. */
export interface FindParts {
  readonly dir: Directory
  readonly explainer: Explainer
}

/** How many users and organizations a search shows, if the call does not say. */
const LIMIT = 5

/** The operations that find things, and explain why they work or do not. */
export const findRoutes: readonly Route<FindParts>[] = [
  serve(contract.find, ({ ctx, query: { q, limit = LIMIT } }, { dir }: FindParts) =>
    find(dir, ctx, { text: q, limit }),
  ),
  serve(contract.explainUser, ({ ctx, params, query }, { explainer }: FindParts) =>
    explainer.explainUser(ctx, { user: params.id, compare: query.compare === true }),
  ),
  serve(contract.explainRequest, async ({ ctx, params }, { dir }: FindParts) => {
    const { entries, attempts, outcomes: _, ...explanation } = await explainRequest(dir, ctx, params.id)
    return { ...explanation, entries: entries.map(toEntry), attempts: attempts.map(toAttempts) }
  }),
]
