import type { Directory } from '../../directory/directory.ts'
import { countUnapplied, listUnapplied, retryAccounts } from '../../directory/unapplied.ts'
import type { Route } from '../route.ts'
import { DEFAULT_LIMIT } from './contract/parts.ts'
import * as platform from './contract/platform.ts'
import { serve } from './operation.ts'

interface Parts {
  readonly dir: Directory
}

/** The operations about the accounts that are not applied. */
export const platformRoutes: readonly Route<Parts>[] = [
  serve(platform.getCauses, async ({ ctx }, { dir }: Parts) => {
    const { causes, ...counts } = await countUnapplied(dir, ctx)
    return { ...counts, causes: [...causes] }
  }),
  serve(platform.listUnapplied, async ({ ctx, query }, { dir }: Parts) => {
    const { tenant: tenantId, limit = DEFAULT_LIMIT, ...rest } = query
    const { items, next } = await listUnapplied(dir, ctx, { ...rest, tenantId, limit })
    return { items: [...items], next }
  }),
  serve(platform.retryAccounts, async ({ ctx, body }, { dir }: Parts) => {
    return { retried: await retryAccounts(dir, ctx, body) }
  }),
]
