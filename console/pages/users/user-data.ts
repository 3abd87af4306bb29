import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { ResponseOf } from '../../api/call.ts'
import { read } from '../../api/queries.ts'
import { showToast } from '../../kit/toast.tsx'

export type UserView = ResponseOf<'GET /users/:id'>
export type AccountsView = ResponseOf<'GET /users/:id/account'>
export type AccountView = AccountsView['accounts'][number]
export type WhyView = ResponseOf<'GET /users/:id/why'>

const MOST_MS = 10_000

/** How long until the account may have changed by itself; false if it does not. */
function pauseOf(found: AccountsView | undefined): number | false {
  const waiting = (found?.accounts ?? []).filter(({ platformState }) => platformState !== 'applied')
  if (waiting.length === 0) return false
  const pauses = waiting.map(({ attempts, dueAt }) =>
    attempts === 0 ? 1_000 : Math.min(Math.max(Date.parse(dueAt) - Date.now() + 500, 1_000), MOST_MS),
  )
  return Math.min(...pauses)
}

/**
 * The account of a user. While a change of it is on its way, it is asked for every second (after failures, when the
 * next attempt is due), as long as the page is visible; what else the page shows is read again when it has changed.
 */
export function useAccounts(id: string) {
  const queries = useQueryClient()
  const found = useQuery({
    ...read('GET /users/:id/account', { params: { id } }),
    refetchInterval: ({ state }) => pauseOf(state.data),
  })
  const seen = useRef<AccountsView | undefined>(undefined)
  const { data } = found
  useEffect(() => {
    if (seen.current !== undefined && seen.current !== data)
      refreshUser(queries, id, 'GET /users/:id/account')
    seen.current = data
  }, [queries, id, data])
  return found
}

/** Reads again what the pages show of a user. */
export function refreshUser(queries: QueryClient, id: string, except?: string): Promise<void> {
  queries.invalidateQueries({ queryKey: ['GET /users'], refetchType: 'none' })
  return queries.invalidateQueries({
    predicate: ({ queryKey: [operation, request] }) =>
      operation !== except &&
      String(operation).startsWith('GET /users/:id') &&
      (request as { params?: { id?: string } } | undefined)?.params?.id === id,
  })
}

/** Something that a button does with the user. */
export interface Act {
  /** Tells the buttons apart, so that the one that was pressed is busy. */
  readonly name: string
  readonly run: () => Promise<unknown>
  /** What is said when it is done, and how it is taken back. */
  readonly done: string
  readonly undo?: () => Promise<unknown>
}

/** Does what buttons of the page do, and then reads the user again. */
export function useActs(id: string) {
  const queries = useQueryClient()
  const refresh = () => refreshUser(queries, id)
  const { mutate, isPending, variables, error } = useMutation({
    mutationFn: ({ run }: Act) => run(),
    onSuccess(_, { done, undo }) {
      showToast({ text: done, ...(undo && { undo: () => undo().finally(refresh) }) })
    },
    onSettled: refresh,
  })
  return { act: mutate, busy: isPending ? variables.name : null, error, refresh }
}

export type Acts = ReturnType<typeof useActs>
