import { useEffect, useState } from 'react'
import { type Problem, ProblemError } from '../api/problems.ts'
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
      {problem && <Said problem={problem} />}
      {onRetry && retryAfter !== null && <Countdown seconds={retryAfter} onEnd={onRetry} />}
      <div className="row">
        {onRetry && <Button onClick={onRetry}>{text.tryAgain}</Button>}
        {problem && <CorrelationId id={problem.correlationId} />}
      </div>
    </Message>
  )
}

/** What the server says: in the person's language what its code means, and its own sentence. */
function Said({ problem: { code, description } }: { problem: Problem }) {
  const { language, problems } = useText()
  // An older console may not know a code of the server.
  const hasWords = language !== 'en' && problems[code] !== undefined
  return (
    <>
      {hasWords && <p className="sentence">{problems[code]}.</p>}
      <ServerSaid>{description}</ServerSaid>
    </>
  )
}

/** A sentence of the server, which is English, and marked as such in other languages. */
export function ServerSaid({ children }: { children: string }) {
  const { language, serverSays } = useText()
  if (language === 'en') return <p>{children}</p>
  return (
    <p className="quiet">
      {serverSays} <span lang="en">{children}</span>
    </p>
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
