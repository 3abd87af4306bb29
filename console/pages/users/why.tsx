import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { read } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { CopyButton, Failure } from '../../kit/failure.tsx'
import { Id } from '../../kit/id.tsx'
import { Moment } from '../../kit/moment.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { Steps, toPlainText } from '../../kit/steps.tsx'
import { useText } from '../../text/text.ts'
import { nameOf } from './names.tsx'
import { useReasons } from './reasons.ts'
import type { AccountView, UserView, WhyView } from './user-data.ts'

interface WhyProps {
  readonly user: UserView
  readonly accounts: readonly AccountView[]
  readonly why: Explained
}

/** Explains a user; with a comparison of the account with its platform, once that is asked for. */
export function useExplanation(userId: string) {
  const [isAsked, ask] = useState(false)
  const params = { id: userId }
  const plain = useQuery(read('GET /users/:id/why', { params, query: {} }))
  const compared = useQuery({
    ...read('GET /users/:id/why', { params, query: { compare: true } }),
    enabled: isAsked,
  })
  const failed = plain.error ? plain : isAsked && compared.error ? compared : null
  return {
    shown: isAsked && compared.data ? compared.data : plain.data,
    failed,
    isComparing: isAsked && compared.isFetching,
    isCompared: isAsked && compared.data !== undefined && !compared.isFetching,
    compare: () => (isAsked ? compared.refetch() : ask(true)),
  }
}

type Explained = ReturnType<typeof useExplanation>

/** The steps that must hold for the user's storage to work, and the comparison with the platform. */
export function Why({ user, accounts, why }: WhyProps) {
  const text = useText()
  const reasonOf = useReasons(user)
  const { shown, failed } = why
  return (
    <section className="panel" aria-labelledby="why">
      <h2 id="why">{text.explain.why}</h2>
      {failed && <Failure error={failed.error} onRetry={() => failed.refetch()} />}
      {!shown && !failed && <Skeleton lines={8} />}
      {shown && (
        <>
          <Steps steps={shown.steps} beside={besideOf(user, accounts, text)} />
          {shown.failed === null && <p>{text.explain.allWell}.</p>}
          <Unseen why={shown} />
        </>
      )}
      <div className="row no-print">
        <Button reason={reasonOf('compare')} isBusy={why.isComparing} onClick={why.compare}>
          {text.user.compare}
        </Button>
        {shown && (
          <CopyButton
            label={text.user.copyAsText}
            value={toPlainText(`${nameOf(user, text)} (${user.id})`, shown.steps, text)}
          />
        )}
      </div>
      <p role="status" className="quiet">
        {why.isCompared && (wasCompared(shown) ? text.user.compared : text.user.notCompared)}
      </p>
    </section>
  )
}

/** Returns whether the platform could be asked: else the steps say why not. */
function wasCompared(shown: WhyView | undefined): boolean {
  return shown?.steps.some(({ code, state }) => code === 'platform_agrees' && state !== 'unknown') ?? false
}

function besideOf(
  user: UserView,
  accounts: readonly AccountView[],
  { user: text }: ReturnType<typeof useText>,
) {
  const tried = accounts.find(({ attempts }) => attempts > 0)
  return {
    // Of a user who is deleted, the text says since when.
    ...(user.state !== 'deleted' && {
      user_exists: (
        <>
          {text.since} <Moment at={user.createdAt} look="short" />
        </>
      ),
    }),
    ...(accounts[0] && { tenant_exists: <Id>{accounts[0].tenantId}</Id> }),
    ...(accounts[0] && { account_active: <Moment at={accounts[0].changedAt} look="short" /> }),
    ...(accounts[0] && { platform_well: accounts[0].platform }),
    ...(tried && { applied: <a href="#timeline">{text.attempts(tried.attempts)}</a> }),
  }
}

/** What Usher cannot see, of a user whose storage should work. */
function Unseen({ why }: { why: WhyView }) {
  const { explain, format } = useText()
  if (why.unseen.length === 0) return null
  return (
    <>
      <p className="quiet">
        {explain.unseenTitle}: {format.list(why.unseen.map((one) => explain.unseen[one]))}.
      </p>
      {why.s3Url && (
        <p>
          {explain.s3Url}: <Id canCopy>{why.s3Url}</Id>
        </p>
      )}
    </>
  )
}
