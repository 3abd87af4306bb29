import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'
import { read } from '../../api/queries.ts'
import { Failure } from '../../kit/failure.tsx'
import { Message } from '../../kit/message.tsx'
import { Page } from '../../kit/page.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { type Hit, toDetail, toLabel, toPath } from '../../shell/hits.tsx'
import { useText } from '../../text/text.ts'
import styles from './find.module.css'

const route = getRouteApi('/app/find')
const MOST = 50

/** What Find finds, as a page with an address. */
export function FindPage() {
  const { finder } = useText()
  const { q = '' } = route.useSearch()
  const navigate = useNavigate({ from: '/find' })
  const onSearch = useCallback((text: string) => navigate({ search: { q: text }, replace: true }), [navigate])
  const { data, error, isPending, refetch } = useQuery({
    ...read('GET /find', { query: { q, limit: MOST } }),
    enabled: q.trim() !== '',
    placeholderData: keepPreviousData,
  })
  return (
    <Page title={q ? finder.pageTitle(q) : finder.title} about={finder.hint}>
      <SearchField label={finder.title} value={q} onSearch={onSearch} />
      {error && <Failure error={error} onRetry={() => refetch()} />}
      {q.trim() !== '' && isPending && !error && <Skeleton />}
      {data && q.trim() !== '' && (
        <>
          <p role="status">{finder.count(data.hits.length)}</p>
          {data.hits.length === 0 && <Message kind="note">{finder.nothingText}</Message>}
          <Hits hits={data.hits} />
          {data.more && <p className="quiet">{finder.more}</p>}
        </>
      )}
    </Page>
  )
}

function Hits({ hits }: { hits: readonly Hit[] }) {
  const { finder } = useText()
  const kinds = [...new Set(hits.map(({ kind }) => kind))]
  return kinds.map((kind) => (
    <section key={kind}>
      <h2>{finder.groups[kind]}</h2>
      <ul className={styles.hits}>
        {hits
          .filter((hit) => hit.kind === kind)
          .map((hit) => (
            <HitLine key={hit.id} hit={hit} />
          ))}
      </ul>
    </section>
  ))
}

function HitLine({ hit }: { hit: Hit }) {
  const text = useText()
  const path = toPath(hit)
  return (
    <li>
      {path === null ? <span>{toLabel(hit)}</span> : <Link to={path}>{toLabel(hit)}</Link>}{' '}
      <span className="quiet">{toDetail(hit, text)}</span>
    </li>
  )
}
