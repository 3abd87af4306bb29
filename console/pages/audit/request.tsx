import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { REQUEST_STEPS } from '../../../src/model/explain.ts'
import type { ResponseOf } from '../../api/call.ts'
import { read } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { CopyButton, Failure } from '../../kit/failure.tsx'
import { Id } from '../../kit/id.tsx'
import { Message } from '../../kit/message.tsx'
import { Moment } from '../../kit/moment.tsx'
import { Page } from '../../kit/page.tsx'
import { PlatformSaid } from '../../kit/platform-said.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { Steps, sayReason } from '../../kit/steps.tsx'
import { useText } from '../../text/text.ts'
import { Changes } from '../users/changes.tsx'
import { EntryStatus } from './audit-list.tsx'
import { About, Caller, type Entry, operationName, outcomeName } from './names.tsx'
import styles from './request.module.css'

const route = getRouteApi('/app/audit/$correlationId')

type Explained = ResponseOf<'GET /requests/:id'>
type RequestStep = (typeof REQUEST_STEPS)[number]

/** What one request did, and what became of it. */
export function RequestPage() {
  const { audit: text } = useText()
  const { correlationId } = route.useParams()
  const { data, error, refetch } = useQuery(read('GET /requests/:id', { params: { id: correlationId } }))
  return (
    <Page
      title={text.request}
      about={<Id canCopy>{correlationId}</Id>}
      actions={
        <>
          <CopyButton value={location.href} label={text.copyLink} />
          <Button onClick={() => print()}>{text.print}</Button>
        </>
      }
    >
      {error && <Failure error={error} onRetry={() => refetch()} />}
      {!data && !error && <Skeleton />}
      {data && <Explanation explained={data} />}
    </Page>
  )
}

function Explanation({ explained }: { explained: Explained }) {
  const { audit: text } = useText()
  const { entries, attempts, more, block } = explained
  return (
    <>
      <Summary explained={explained} />
      <section className="panel">
        <h2>{text.why}</h2>
        <Steps steps={explained.steps} />
      </section>
      <section>
        <h2>{text.entries}</h2>
        <ol className={styles.entries}>
          {entries.map((entry) => (
            <li key={entry.id}>
              <EntryLine entry={entry} />
            </li>
          ))}
        </ol>
        {more && <p className="quiet">{text.moreEntries}</p>}
      </section>
      {attempts.length > 0 && <Attempts attempts={attempts} />}
      <p className="quiet">
        {block ? (
          <>
            {text.sealed(block.number)} <Id>{block.hash}</Id>
          </>
        ) : (
          text.notSealed
        )}
      </p>
    </>
  )
}

/** The response in one sentence: on the platform, not yet, or refused. */
function Summary({ explained: { steps, failed } }: { explained: Explained }) {
  const text = useText()
  const step = steps.find(({ code }) => code === failed)
  if (!step) return <Message kind="good" title={text.audit.done} />
  return (
    <Message kind="bad" title={text.audit.notDone[step.code as RequestStep]}>
      {step.reason && <p>{sayReason(step.reason, text)}</p>}
    </Message>
  )
}

function EntryLine({ entry }: { entry: Entry }) {
  const text = useText()
  const { at, operation, status, outcome, caller, organization } = entry
  return (
    <>
      <div className="row">
        <span className="quiet">
          <Moment at={at} look="exact" />
        </span>
        <strong>{operationName(operation, text)}</strong>
        <EntryStatus status={status} />
        <span>{outcomeName(outcome, text)}</span>
        {status === 'Failed' && <code>{outcome}</code>}
      </div>
      <div>
        <Caller caller={caller} /> · <About entry={entry} />
        {organization && ` · ${organization.name}`}
      </div>
      <Changes entry={entry} />
    </>
  )
}

function Attempts({ attempts }: { attempts: Explained['attempts'] }) {
  const { audit: text, explain, timeline } = useText()
  return (
    <section>
      <h2>{text.attempts}</h2>
      <ol className={styles.entries}>
        {attempts.map((attempt) => (
          <li key={`${attempt.platform} ${attempt.firstAt}`}>
            <div className="row">
              <span className="quiet">
                <Moment at={attempt.firstAt} look="exact" />
              </span>
              <strong>{timeline.attempts[attempt.outcome]}</strong>
              {attempt.cause && (
                <span>
                  {explain.causes[attempt.cause.code]} <code>{attempt.cause.code}</code>
                </span>
              )}
              {attempt.count > 1 && <span className="quiet">{text.times(attempt.count)}</span>}
              <span className="quiet">
                {attempt.platform}
                {attempt.node && ` · ${attempt.node}`} · {attempt.ms} ms
              </span>
            </div>
            {attempt.error && <PlatformSaid cause={attempt.cause} error={attempt.error} />}
          </li>
        ))}
      </ol>
    </section>
  )
}
