import { ProblemError } from '../../api/problems.ts'
import { Button } from '../../kit/button.tsx'
import { Failure } from '../../kit/failure.tsx'
import { Message } from '../../kit/message.tsx'
import { openFind } from '../../shell/shortcuts.tsx'
import { useText } from '../../text/text.ts'

interface MissingProps {
  readonly error: Error
  readonly onRetry: () => void
}

/** Says why a user cannot be shown. An address with something else than an id in it names no user (400). */
export function Missing({ error, onRetry }: MissingProps) {
  const { user: text } = useText()
  if (!(error instanceof ProblemError) || ![400, 404].includes(error.status))
    return <Failure error={error} onRetry={onRetry} />
  return (
    <Message kind="bad" title={text.notFoundText}>
      <Button onClick={openFind}>{text.find}</Button>
    </Message>
  )
}
