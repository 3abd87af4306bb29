import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef } from 'react'
import type { Request } from '../api/call.ts'
import { type ListRead, type RowOf, readList } from '../api/queries.ts'
import { useText } from '../text/text.ts'
import { Button } from './button.tsx'
import { Failure } from './failure.tsx'
import { Skeleton } from './skeleton.tsx'
import { type Column, Table } from './table.tsx'

interface ListProps<O extends ListRead> {
  /** What it lists, for people who do not see it. */
  readonly name: string
  readonly operation: O
  readonly request: Request<O>
  readonly columns: readonly Column<RowOf<O>>[]
  readonly getKey: (row: RowOf<O>) => string
  /** What the page says if there is no row: what was asked for, and ways on. */
  readonly empty: ReactNode
  /** How many rows there are, as a sentence: `51+ users`. */
  readonly count: (rows: number, hasMore: boolean) => string
}

/**
 * A list that the server gives page by page. While it loads other rows, the old ones stay, dimmed; if it fails, they
 * stay below the failure.
 */
export function List<O extends ListRead>(props: ListProps<O>) {
  const { name, operation, request, columns, getKey, empty, count } = props
  const text = useText()
  const { data, error, isPending, isPlaceholderData, hasNextPage, isFetching, fetchNextPage, refetch } =
    useInfiniteQuery({ ...readList(operation, request), placeholderData: keepPreviousData })
  // A list that cannot be read has no placeholder: the rows of the question before stay below the failure.
  const kept = useRef(data)
  useEffect(() => {
    if (data) kept.current = data
  }, [data])
  const shown = data ?? (error ? kept.current : undefined)
  const rows = shown?.pages.flatMap(({ items }) => items) ?? []
  // The server looks at so many matches a call. Going on by itself might take long for nothing.
  const isPartial = data?.pages.at(-1)?.partial === true
  return (
    <>
      {error && <Failure error={error} onRetry={() => refetch()} />}
      <p role="status" className="quiet">
        {data && !isPlaceholderData
          ? count(rows.length, hasNextPage)
          : isPending && !error
            ? text.loading
            : ''}
      </p>
      {isPartial && hasNextPage && (
        <p className="row">
          {text.lookedAt} <Button onClick={() => fetchNextPage()}>{text.goOn}</Button>
        </p>
      )}
      {isPending && !error && <Skeleton />}
      {data && rows.length === 0 && !isPlaceholderData && !isPartial && empty}
      {rows.length > 0 && (
        <Table
          {...{ name, columns, rows, getKey }}
          hasMore={hasNextPage}
          onMore={() => {
            if (!isFetching && !isPartial) fetchNextPage()
          }}
          isStale={isPlaceholderData || !data}
        />
      )}
    </>
  )
}
