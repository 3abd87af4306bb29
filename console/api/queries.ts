import { infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/react-query'
import { call, type Operation, type Request, type ResponseOf } from './call.ts'
import { ProblemError } from './problems.ts'

const PAGE = 100
const KEPT_MS = 5 * 60_000

/** The cache of what the server has sent. Reads that fail for a moment are tried again, writes never. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        ...{ staleTime: 5_000, gcTime: KEPT_MS },
        retry: (failures, error) => failures < 3 && isPassing(error),
        retryDelay: (failures, error) =>
          ((error instanceof ProblemError && error.retryAfter) || 2 ** failures) * 1_000,
      },
      mutations: { retry: false },
    },
  })
}

function isPassing(error: Error): boolean {
  return error instanceof ProblemError && [0, 429, 503].includes(error.status)
}

/** The operations that only read. */
type Read = Extract<Operation, `GET ${string}`>

/** A read of one thing. What the cache has of an operation goes stale by `['GET /users/:id']`. */
export function read<O extends Read>(operation: O, request: Request<O>) {
  return queryOptions({
    queryKey: [operation, request] as const,
    queryFn: ({ signal }) => call(operation, request, { signal }),
  })
}

/** The operations that read a page of a list. */
export type ListRead = { [O in Read]: ResponseOf<O> extends { next: string | null } ? O : never }[Read]

/** A row of what an operation lists. */
export type RowOf<O extends ListRead> = ResponseOf<O>['items'][number]

interface ListPage<O extends ListRead> {
  readonly items: readonly RowOf<O>[]
  readonly next: string | null
  /** Whether the server stopped looking before the page was full. */
  readonly partial?: boolean
}

/** A read of a list, page by page. */
export function readList<O extends ListRead>(operation: O, request: Request<O>, limit = PAGE) {
  return infiniteQueryOptions({
    queryKey: [operation, request, 'list'] as const,
    queryFn: ({ signal, pageParam }) => {
      const { query, ...rest } = request as { query?: object }
      const paged = { ...rest, query: { ...query, limit, ...(pageParam && { after: pageParam }) } }
      return call(operation, paged as Request<O>, { signal }) as Promise<ListPage<O>>
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  })
}

/** Who is signed in. It fails if there is no session, rather than wait for one. */
export const readMe = queryOptions({
  queryKey: ['GET /me'] as const,
  queryFn: ({ signal }) => call('GET /me', {}, { signal, signedOut: 'fail' }),
  staleTime: 60_000,
})
