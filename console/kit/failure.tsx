import { useEffect, useState } from 'react'
import { ProblemError } from '../api/problems.ts'
import { useText } from '../text/text.ts'
import { Button } from './button.tsx'
import { Message } from './message.tsx'

interface FailureProps {
  readonly error: unknown
  /** Tries the read again. Writes have their own button. */
  readonly onRetry?: () => void
}

/** Says why a call failed, in the person's language where the console knows the reason, and what to do. */
export function Failure({ error, onRetry }: FailureProps) {
  const text = useText()
  const { status, problem, retryAfter } = toProblem(error)
  const title = text.failures[status] ?? text.failures.other
  return (
    <Message kind="bad" title={title}>
      {problem && <p>{problem.description}</p>}
      {onRetry && retryAfter !== null && <Countdown seconds={retryAfter} onEnd={onRetry} />}
      <div className="row">
        {onRetry && <Button onClick={onRetry}>{text.tryAgain}</Button>}
        {problem && <CorrelationId id={problem.correlationId} />}
      </div>
    </Message>
  )
}

function toProblem(error: unknown): ProblemError {
  return error instanceof ProblemError ? error : new ProblemError({ status: -1 })
}

/** Says how long it waits, and tries again then. */
function Countdown({ seconds, onEnd }: { seconds: number; onEnd: () => void }) {
  const text = useText()
  const [left, setLeft] = useState(Math.max(1, Math.ceil(seconds)))
  useEffect(() => {
    const timer = setTimeout(() => {
      if (left <= 1) onEnd()
      else setLeft(left - 1)
    }, 1_000)
    return () => clearTimeout(timer)
  }, [left, onEnd])
  return <p aria-live="off">{text.triesAgainIn(left)}</p>
}

/** The correlation id of a failed request, to be copied. */
export function CorrelationId({ id }: { id: string }) {
  const text = useText()
  return (
    <span className="quiet">
      {text.correlationId} <code>{id}</code> <CopyButton value={id} />
    </span>
  )
}

/** Copies a text. */
export function CopyButton({ value, label }: { value: string; label?: string }) {
  const text = useText()
  const [isCopied, setCopied] = useState(false)
  return (
    <Button
      look={label ? 'plain' : 'text'}
      onClick={() => navigator.clipboard.writeText(value).then(() => setCopied(true))}
    >
      {isCopied ? text.copied : (label ?? text.copy)}
    </Button>
  )
}
