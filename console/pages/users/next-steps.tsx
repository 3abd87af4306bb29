import { useState } from 'react'
import type { NextCode, NextStep } from '../../../src/model/explain.ts'
import { call } from '../../api/call.ts'
import { Button, LinkButton } from '../../kit/button.tsx'
import { type Text, useText } from '../../text/text.ts'
import { DeleteKey } from './keys.tsx'
import { NewKey } from './new-key.tsx'
import { useReasons } from './reasons.ts'
import type { Act, Acts, UserView } from './user-data.ts'

/** Says a next step in the person's language: as the words of a button, or as a sentence. */
function sayNext(step: NextStep, { explain }: Text): string {
  return (explain.next[step.code] as (params: NextStep['params']) => string)(step.params)
}

interface NextStepsProps {
  readonly user: UserView
  readonly acts: Acts
  readonly next: readonly NextStep[]
}

/** What to do next: buttons for what the console does, sentences for the rest. */
export function NextSteps({ user, acts, next }: NextStepsProps) {
  const text = useText()
  if (next.length === 0) return null
  const isButton = (step: NextStep) => ACTS[step.code] !== undefined || DIALOGS.has(step.code)
  return (
    <>
      {next
        .filter((step) => !isButton(step))
        .map((step) => (
          <p key={step.code}>{sayNext(step, text)}</p>
        ))}
      <div className="row no-print">
        {next.filter(isButton).map((step) => (
          <NextButton key={JSON.stringify(step)} user={user} acts={acts} step={step} />
        ))}
      </div>
    </>
  )
}

const DIALOGS: ReadonlySet<NextCode> = new Set(['add_key', 'delete_key', 'add_user', 'join_group'])

type ToAct = (step: { readonly params: never }, userId: string, text: Text['user']) => Omit<Act, 'name'>

/** The calls of the steps that are done at once. */
const ACTS: Partial<Record<NextCode, ToAct>> = {
  restore_user: (_, id, text) => ({
    run: () => call('POST /users/:id/restore', { params: { id } }),
    done: text.restored,
  }),
  resume_user: (_, id, text) => ({
    run: () => call('POST /users/:id/resume', { params: { id } }),
    done: text.userResumed,
  }),
  resume_customer: ({ params }: { readonly params: { readonly organizationId: string } }, _, text) => ({
    run: () => call('POST /organizations/:id/resume', { params: { id: params.organizationId } }),
    done: text.customerResumed,
  }),
  give_account: (_, id, text) => ({
    run: () => call('POST /users/:id/account', { params: { id } }),
    done: text.accountGiven,
  }),
  resume_account: (_, id, text) => ({
    run: () => call('POST /users/:id/account/resume', { params: { id } }),
    done: text.accountResumed,
  }),
  retry_account: (_, id, text) => ({
    run: () => call('POST /users/:id/account/retry', { params: { id } }),
    done: text.retried,
  }),
  mend_account: (_, id, text) => ({
    run: () => call('POST /users/:id/account/mend', { params: { id } }),
    done: text.mended,
  }),
  enable_key: ({ params }: { readonly params: { readonly accessKey: string } }, _, text) => ({
    run: () => call('PATCH /keys/:accessKey', { params, body: { active: true } }),
    done: text.keyEnabledDone(params.accessKey),
  }),
}

function NextButton({ user, acts, step }: { user: UserView; acts: Acts; step: NextStep }) {
  const text = useText()
  const reasonOf = useReasons(user)
  const [isOpen, setOpen] = useState(false)
  const label = sayNext(step, text)
  const close = () => setOpen(false)
  if (step.code === 'add_user')
    return (
      <LinkButton to="/users/new" search={{ org: step.params.organizationId }}>
        {label}
      </LinkButton>
    )
  if (step.code === 'join_group')
    return (
      <LinkButton to="/users/$id/edit" params={{ id: user.id }}>
        {label}
      </LinkButton>
    )
  const toAct = ACTS[step.code]
  if (toAct)
    return (
      <Button
        isBusy={acts.busy === step.code}
        onClick={() => acts.act({ name: step.code, ...toAct(step as never, user.id, text.user) })}
      >
        {label}
      </Button>
    )
  const action = step.code === 'add_key' ? 'add_key' : 'change_keys'
  return (
    <>
      <Button reason={reasonOf(action)} onClick={() => setOpen(true)}>
        {label}
      </Button>
      {isOpen && step.code === 'add_key' && <NewKey user={user} s3Url={null} acts={acts} onClose={close} />}
      {isOpen && step.code === 'delete_key' && (
        <DeleteKey accessKey={step.params.accessKey} acts={acts} onClose={close} />
      )}
    </>
  )
}
