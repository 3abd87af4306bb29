import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { read } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { CopyButton, Failure } from '../../kit/failure.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { Steps, toPlainText } from '../../kit/steps.tsx'
import { useText } from '../../text/text.ts'
import { nameOf } from './names.tsx'
import { NextSteps } from './next-steps.tsx'
import { useReasons } from './reasons.ts'
import type { AccountView, Acts, UserView, WhyView } from './user-data.ts'

interface WhyProps {
  readonly user: UserView
  readonly accounts: readonly AccountView[]
  readonly acts: Acts
  readonly why: UseQueryResult<WhyView, Error>
}

/** The steps that must hold for the user's storage to work, and the comparison with the platform. */
export function Why({ user, accounts, acts, why }: WhyProps) {
  const text = useText()
  const reasonOf = useReasons(user)
  const [isAsked, ask] = useState(false)
  const compared = useQuery({
    ...read('GET /users/:id/why', { params: { id: user.id }, query: { compare: true } }),
    enabled: isAsked,
  })
  const shown = (isAsked && compared.data) || why.data
  const error = why.error ?? (isAsked ? compared.error : null)
  return (
    <section className="panel" aria-labelledby="why">
      <h2 id="why">{text.explain.why}</h2>
      {error && <Failure error={error} onRetry={() => (why.error ? why.refetch() : compared.refetch())} />}
      {!shown && !error && <Skeleton lines={8} />}
      {shown && (
        <>
          <Steps steps={shown.steps} beside={besideOf(user, accounts, text)} />
          {shown.failed === null && <p>{text.explain.allWell}.</p>}
          {isAsked && compared.data && shown.failed !== why.data?.failed && (
            <NextSteps user={user} acts={acts} next={shown.next} />
          )}
          <Unseen why={shown} />
        </>
      )}
      <div className="row no-print">
        <Button
          reason={reasonOf('compare')}
          isBusy={isAsked && compared.isFetching}
          onClick={() => (isAsked ? compared.refetch() : ask(true))}
        >
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
        {isAsked && compared.data && !compared.isFetching ? text.user.compared : ''}
      </p>
    </section>
  )
}

function besideOf(
  user: UserView,
  accounts: readonly AccountView[],
  { user: text, format }: ReturnType<typeof useText>,
) {
  const tried = accounts.find(({ attempts }) => attempts > 0)
  return {
    user_exists: text.since(format.shortTime(user.createdAt)),
    ...(accounts[0] && { tenant_exists: <code>{accounts[0].tenantId}</code> }),
    ...(accounts[0] && { account_active: format.shortTime(accounts[0].changedAt) }),
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
          {explain.s3Url}: <code>{why.s3Url}</code>
        </p>
      )}
    </>
  )
}
