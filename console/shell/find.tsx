import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { read } from '../api/queries.ts'
import { Finder, type Finding } from '../kit/finder.tsx'
import { useText } from '../text/text.ts'
import { type Hit, toDetail, toLabel, toPath } from './hits.tsx'
import { keepRecent, readRecent } from './recent.ts'

interface FindProps {
  /** What was typed before it was loaded. */
  readonly typed: { readonly current: string }
  readonly onClose: () => void
}

/** Finds anything within reach by one text: people, organizations, keys, and any id. */
export function Find({ typed, onClose }: FindProps) {
  const { finder, shell } = useText()
  const [q, setQ] = useState('')
  const { data, error, isFetching } = useQuery({
    ...read('GET /find', { query: { q } }),
    enabled: q.trim() !== '',
    placeholderData: keepPreviousData,
  })
  const toFinding = useFinding()
  const navigate = useNavigate()
  const recent = useRecent()
  const actions = useActions()
  const all: Finding = {
    ...{ key: 'all', group: finder.actions, label: finder.all, detail: q },
    choose: () => navigate({ to: '/find', search: { q } }),
  }
  const hits = (data?.hits ?? []).map((hit) => toFinding(hit, finder.groups[hit.kind]))
  return (
    <Finder
      title={finder.title}
      placeholder={shell.find}
      findings={
        q.trim() === '' ? [...recent.map((hit) => toFinding(hit, finder.recent)), ...actions] : [...hits, all]
      }
      hits={hits.length}
      first={typed.current}
      found={q}
      isLoading={isFetching}
      error={error}
      onSearch={setQ}
      onClose={onClose}
    />
  )
}

function useFinding(): (hit: Hit, group: string) => Finding {
  const text = useText()
  const navigate = useNavigate()
  return (hit, group) => ({
    key: `${group} ${hit.kind} ${hit.id}`,
    group,
    label: toLabel(hit),
    detail: toDetail(hit, text),
    choose() {
      keepRecent(hit)
      const path = toPath(hit)
      navigate(path === null ? { to: '/find', search: { q: hit.id } } : { to: path })
    },
  })
}

/** The hits that the person chose before, with what they are called now. */
function useRecent(): readonly Hit[] {
  const [kept] = useState(readRecent)
  return useQueries({
    queries: kept.map(({ id }) => ({
      queryKey: ['GET /find', id, 'recent'],
      queryFn: ({ signal }: { signal: AbortSignal }) => call('GET /find', { query: { q: id } }, { signal }),
      staleTime: 60_000,
    })),
    combine: (results) =>
      results.flatMap(
        ({ data }, at) => data?.hits.filter(({ kind }) => kind === kept[at]?.kind).slice(0, 1) ?? [],
      ),
  })
}

function useActions(): readonly Finding[] {
  const { finder, shell, users } = useText()
  const navigate = useNavigate()
  const places = [
    ['/users/new', users.new],
    ['/users', shell.users],
    ['/organizations', shell.organizations],
    ['/audit', shell.audit],
  ] as const
  return places.map(([to, label]) => ({
    ...{ key: to, group: finder.actions, label },
    choose: () => navigate({ to }),
  }))
}
