import type { ProblemError } from '../../api/problems.ts'
import { LinkButton } from '../../kit/button.tsx'
import { CorrelationId } from '../../kit/failure.tsx'
import { Message } from '../../kit/message.tsx'
import { useText } from '../../text/text.ts'

interface EmailTakenProps {
  readonly error: ProblemError
  readonly email: string
  readonly organization: string | undefined
}

/** Says that another user has the e-mail address, and leads to that user. */
export function EmailTaken({ error, email, organization }: EmailTakenProps) {
  const { userForm: text } = useText()
  const existing = error.problem?.existing
  return (
    <Message kind="bad" takesFocus title={text.takenTitle}>
      <p>{text.takenText}</p>
      <div className="row">
        {existing && (
          <LinkButton to="/users/$id" params={{ id: existing.userId }} search={{}}>
            {text.openThatUser}
          </LinkButton>
        )}
        {!existing && (
          <LinkButton to="/users" search={{ q: email, ...(organization && { org: organization }) }}>
            {text.findThatUser}
          </LinkButton>
        )}
        {error.problem && <CorrelationId id={error.problem.correlationId} />}
      </div>
    </Message>
  )
}
