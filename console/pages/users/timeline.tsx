import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { type RowOf, readList } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Failure } from '../../kit/failure.tsx'
import { Message } from '../../kit/message.tsx'
import { Moment } from '../../kit/moment.tsx'
import { PlatformSaid } from '../../kit/platform-said.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { useText } from '../../text/text.ts'
import { doneName, outcomeName } from '../audit/names.tsx'
import { Changes } from './changes.tsx'
import { RequestId } from './names.tsx'
import { KINDS } from './search.ts'
import styles from './timeline.module.css'

const route = getRouteApi('/app/users/$id')
const PAGE = 50

type Row = RowOf<'GET /users/:id/timeline'>
type Entry = NonNullable<Row['entry']>
type Attempts = NonNullable<Row['attempts']>

/** What happened to a user, newest first: changes, attempts to bring them to the platform, and refusals. */
export function Timeline({ userId }: { userId: string }) {
  const text = useText()
  const { show } = route.useSearch()
  const request = { params: { id: userId }, query: { ...(show && { show }) } }
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useInfiniteQuery(
    readList('GET /users/:id/timeline', request, PAGE),
  )
  const rows = data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline" tabIndex={-1}>
        {text.timeline.title}
      </h2>
      <Filter userId={userId} />
      {error && <Failure error={error} onRetry={() => refetch()} />}
      {!data && !error && <Skeleton lines={5} />}
      {data && rows.length === 0 && (
        <Message kind="note" title={text.timeline.empty}>
          {text.timeline.emptyText}
        </Message>
      )}
      <ol className={styles.timeline}>
        {rows.map((row) => (
          <Line key={keyOf(row)} row={row} />
        ))}
      </ol>
      {hasNextPage && (
        <Button isBusy={isFetchingNextPage} onClick={() => fetchNextPage()}>
          {text.timeline.more}
        </Button>
      )}
    </section>
  )
}

function keyOf({ at, entry, attempts }: Row): string {
  return entry?.id ?? `${attempts?.platform} ${attempts?.firstAt} ${at}`
}

function Filter({ userId }: { userId: string }) {
  const { timeline: text } = useText()
  const { show } = route.useSearch()
  const choices = [undefined, ...KINDS] as const
  return (
    <nav aria-label={text.show} className={`row ${styles.filter}`}>
      {choices.map((kind) => (
        <Link
          key={kind ?? ''}
          to="/users/$id"
          params={{ id: userId }}
          search={kind ? { show: kind } : {}}
          resetScroll={false}
          activeOptions={{ exact: true }}
          aria-current={show === kind ? 'true' : undefined}
          className={styles.chip}
        >
          {kind ? text.kinds[kind] : text.everything}
        </Link>
      ))}
    </nav>
  )
}

function Line({ row: { at, entry, attempts } }: { row: Row }) {
  const isBad = entry ? entry.status === 'Failed' : attempts?.outcome !== 'applied'
  return (
    <li className={isBad ? styles.bad : styles.good}>
      <span className="quiet">
        <Moment at={at} look="short" />
      </span>
      {entry && <EntryLine entry={entry} />}
      {attempts && <AttemptsLine attempts={attempts} />}
    </li>
  )
}

/** Outcomes that the name of the operation does not say already. */
const SAID: ReadonlySet<string> = new Set(['repeated', 'restored', 'replayed'])

function EntryLine({ entry }: { entry: Entry }) {
  const words = useText()
  const { timeline: text } = words
  const { operation, status, outcome, caller, correlationId } = entry
  const name = doneName(operation, words)
  const isRefused = status === 'Failed'
  return (
    <div>
      <strong>{isRefused ? text.refusedOf(name) : name}</strong>{' '}
      {isRefused && (
        <span>
          {outcomeName(outcome, words)} <code>{outcome}</code>
        </span>
      )}
      {SAID.has(outcome) && <span>{outcomeName(outcome, words)}</span>}{' '}
      <span>{text.by(caller.kind, caller.name)}</span>{' '}
      <span className="quiet">
        {!isRefused && (status === 'Processing' ? text.recordedOnly : text.recorded)}
      </span>{' '}
      <RequestId id={correlationId} />
      <Changes entry={entry} />
    </div>
  )
}

function AttemptsLine({ attempts }: { attempts: Attempts }) {
  const { timeline: text, explain, format } = useText()
  const { outcome, cause, error, platform, node, ms, count, firstAt, correlationId } = attempts
  const code = cause && [cause.status, cause.platformCode].filter((part) => part !== null).join(' ')
  const parts = [platform, node && text.node(node), `${format.number(ms)} ms`].filter(Boolean)
  return (
    <div>
      <strong>
        {text.attempts[outcome]}
        {cause && ':'}
      </strong>{' '}
      {cause && (
        <span>
          {explain.causes[cause.code]} <code>{[cause.code, code].filter(Boolean).join(' ')}</code>
        </span>
      )}{' '}
      <span className="quiet">{parts.join(' · ')}</span>{' '}
      <span className="quiet">{text.times(count, firstAt)}</span>{' '}
      {correlationId && <RequestId id={correlationId} />}
      {error && <PlatformSaid cause={cause} error={error} />}
    </div>
  )
}
