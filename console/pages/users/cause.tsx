import type { Reason, ReasonCode, StepCode } from '../../../src/model/explain.ts'
import { Message } from '../../kit/message.tsx'
import { sayReason } from '../../kit/steps.tsx'
import { type Text, useText } from '../../text/text.ts'
import { NextSteps } from './next-steps.tsx'
import type { AccountView, Acts, UserView, WhyView } from './user-data.ts'

/** How much of an alarm a reason is; the others are failures. */
const LOOKS: Partial<Record<ReasonCode, 'warn' | 'note'>> = {
  ...({ user_deleted: 'note', user_erased: 'note', being_removed: 'note', account_removed: 'note' } as const),
  ...({ not_named: 'note', not_given: 'note', waiting: 'note', no_key: 'note' } as const),
  ...({ user_suspended: 'warn', organization_suspended: 'warn', account_suspended: 'warn' } as const),
  ...({ no_tenant: 'warn', no_org: 'warn', keys_disabled: 'warn' } as const),
}

interface CauseProps {
  readonly user: UserView
  readonly accounts: readonly AccountView[]
  readonly acts: Acts
  readonly why: WhyView
}

/** The cause, if something is wrong: what it is, what it means, when Usher tries again, and what to do. */
export function Cause({ user, accounts, acts, why }: CauseProps) {
  const text = useText()
  const failed = why.steps.find(({ code }) => code === why.failed)
  if (!failed?.reason) return null
  const { reason } = failed
  const tried = accounts.find(({ platformState, attempts }) => platformState !== 'applied' && attempts > 0)
  const saysTries = reason.code === 'failing' || reason.code === 'parked'
  return (
    <Message kind={LOOKS[reason.code] ?? 'bad'} title={titleOf(failed.code, reason, text)}>
      <p>
        {sayReason(reason, text)}
        {tried && !saysTries && ` ${text.user.triedSince(tried.attempts, tried.changedAt, tried.dueAt)}`}
      </p>
      <NextSteps user={user} acts={acts} next={why.next} />
    </Message>
  )
}

function titleOf(code: StepCode, reason: Reason, { explain }: Text): string {
  if (reason.code === 'waiting') return explain.waits
  const cause = reason.code === 'failing' || reason.code === 'parked' ? reason.params.cause : null
  return cause === null ? explain.failed[code] : explain.notApplied(explain.causes[cause])
}
