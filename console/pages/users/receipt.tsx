import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { ResponseOf } from '../../api/call.ts'
import { ProblemError } from '../../api/problems.ts'
import { read, readMe } from '../../api/queries.ts'
import { Button, LinkButton } from '../../kit/button.tsx'
import { Id } from '../../kit/id.tsx'
import { Message } from '../../kit/message.tsx'
import { Moment } from '../../kit/moment.tsx'
import { Page } from '../../kit/page.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { useText } from '../../text/text.ts'
import { doneName } from '../audit/names.tsx'
import { Missing } from './missing.tsx'
import { nameOf } from './names.tsx'
import styles from './receipt.module.css'

const route = getRouteApi('/app/users/$id/receipt')

type ReceiptView = ResponseOf<'GET /users/:id/receipt'>

/** The receipt of the removal of a user or their account: one page of A4. */
export function Receipt() {
  const { id } = route.useParams()
  const { receipt: text } = useText()
  const { data, error, refetch } = useQuery(read('GET /users/:id/receipt', { params: { id } }))
  const isNone = error instanceof ProblemError && error.status === 409
  return (
    <Page
      title={text.title}
      actions={
        <>
          {data && (
            <Button look="main" onClick={() => print()}>
              {text.print}
            </Button>
          )}
          <span className="no-print">
            <LinkButton to="/users/$id" params={{ id }} search={{}}>
              {text.back}
            </LinkButton>
          </span>
        </>
      }
    >
      {isNone && <Message kind="note" title={text.none} />}
      {error && !isNone && <Missing error={error} onRetry={refetch} />}
      {!data && !error && <Skeleton />}
      {data && <Body receipt={data} />}
    </Page>
  )
}

function Body({ receipt }: { receipt: ReceiptView }) {
  const { receipt: text } = useText()
  const { user, organization, accounts } = receipt
  return (
    <article className={`stack ${styles.receipt}`}>
      <Head />
      <dl className="facts">
        <dt>{text.of}</dt>
        <dd>
          <Id>{user.id}</Id>
        </dd>
        <dt>{text.organization}</dt>
        <dd>
          {organization.name} <Id>{organization.id}</Id>
        </dd>
        <dt>{text.deletedAt}</dt>
        <dd>{user.deletedAt ? <Moment at={user.deletedAt} look="exact" /> : text.onlyAccount}</dd>
        {user.erasedAt && (
          <>
            <dt>{text.erasedAt}</dt>
            <dd>
              <Moment at={user.erasedAt} look="exact" />
            </dd>
          </>
        )}
      </dl>
      <Request receipt={receipt} />
      <section className="stack">
        <h2>{text.accounts}</h2>
        {accounts.length === 0 && <p>{text.noAccounts}</p>}
        {accounts.map((account) => (
          <AccountFacts key={account.platform + account.canonicalUserId} account={account} />
        ))}
      </section>
      <Proof receipt={receipt} />
    </article>
  )
}

/** Who printed it, where and when; on paper alone. */
function Head() {
  const text = useText()
  const { data: me } = useQuery(readMe)
  const [now] = useState(() => new Date().toISOString())
  return (
    <p className="print-only">
      {me?.organization.name} · Usher · {location.pathname}
      <br />
      {me && text.receipt.printed(text.format.exactTime(now), nameOf(me.user, text))}
    </p>
  )
}

function Request({ receipt: { entry } }: { receipt: ReceiptView }) {
  const text = useText()
  const { receipt: words } = text
  const { operation, at, caller, correlationId } = entry
  return (
    <dl className="facts">
      <dt>{words.operation}</dt>
      <dd>{doneName(operation, text)}</dd>
      <dt>{words.at}</dt>
      <dd>
        <Moment at={at} look="exact" />
      </dd>
      <dt>{words.by}</dt>
      <dd>{text.timeline.by(caller.kind, caller.name)}</dd>
      <dt>{words.request}</dt>
      <dd>
        <Id>{correlationId}</Id>
      </dd>
    </dl>
  )
}

function AccountFacts({ account }: { account: ReceiptView['accounts'][number] }) {
  const { receipt: text, explain } = useText()
  const { platform, canonicalUserId, state, isPurged, toldAt, goneAt, cause, keys, removedKeys } = account
  return (
    <dl className="facts">
      <dt>{text.platform}</dt>
      <dd>{platform}</dd>
      <dt>{text.canonicalId}</dt>
      <dd>
        <Id>{canonicalUserId}</Id>
      </dd>
      <dt>{text.state}</dt>
      <dd>{text.states[state]}</dd>
      <dt>{text.toldAt}</dt>
      <dd>{toldAt ? <Moment at={toldAt} look="exact" /> : text.notYet}</dd>
      <dt>{text.goneAt}</dt>
      <dd>{goneAt ? <Moment at={goneAt} look="exact" /> : text.notYet}</dd>
      {cause && (
        <>
          <dt>{text.fails}</dt>
          <dd>{explain.causes[cause.code]}</dd>
        </>
      )}
      <dt>{text.keys}</dt>
      <dd>{text.keysGone(removedKeys, keys)}</dd>
      <dt>{text.data}</dt>
      <dd>{isPurged ? text.purged : text.kept}</dd>
    </dl>
  )
}

function Proof({ receipt: { hash, block } }: { receipt: ReceiptView }) {
  const { receipt: text } = useText()
  return (
    <section>
      <h2>{text.proof}</h2>
      <dl className="facts">
        <dt>{text.hash}</dt>
        <dd>{hash ? <Id>{hash}</Id> : text.notSealed}</dd>
        <dt>{text.block}</dt>
        <dd>
          {block ? (
            <>
              {block.number} <Id>{block.hash}</Id>
            </>
          ) : (
            text.notSealed
          )}
        </dd>
      </dl>
    </section>
  )
}
