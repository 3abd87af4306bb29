import { useBlocker } from '@tanstack/react-router'
import type { Issue } from '../api/problems.ts'
import { ProblemError, toFormIssues } from '../api/problems.ts'
import { type Text, useText } from '../text/text.ts'
import { Button } from './button.tsx'
import { CorrelationId, Failure } from './failure.tsx'
import styles from './form.module.css'
import { Message } from './message.tsx'
import { Modal } from './modal.tsx'

/** Says in the person's language what is wrong: the server's sentence if the console has none for the rule. */
function sayIssue({ rule, params, description }: Issue, { issues }: Text): string {
  // An older console may not know a rule of the server.
  return issues[rule]?.(params) ?? description
}

/**
 * Returns what is wrong with each field of a refused form, for its `errors`.
 * @param names the members of the request, as the form has them
 */
export function useFieldErrors(error: unknown, names: readonly string[]): (name: string) => string[] {
  const text = useText()
  const issues = error instanceof ProblemError ? (error.problem?.errors ?? []) : []
  const { fields } = toFormIssues(issues, names)
  return (name) => (fields[name] ?? []).map((issue) => sayIssue(issue, text))
}

interface SummaryProps {
  readonly error: unknown
  /** The fields of the form: the names of the members, with their labels. */
  readonly labels: Readonly<Record<string, string>>
}

/** What is wrong with a refused form: links to its fields, and what belongs to none. It takes the focus. */
export function FormSummary({ error, labels }: SummaryProps) {
  const text = useText()
  const problem = error instanceof ProblemError ? error.problem : null
  if (!problem || problem.errors.length === 0) return <Failure error={error} />
  const { fields, rest } = toFormIssues(problem.errors, Object.keys(labels))
  const named = Object.keys(labels).filter((name) => fields[name])
  return (
    <Message kind="bad" takesFocus title={text.form.needsChange(named.length + rest.length)}>
      <ul className={styles.summary}>
        {named.map((name) => (
          <li key={name}>
            <a href={`#${name}`} onClick={(event) => goTo(event, name)}>
              {labels[name]}
            </a>
          </li>
        ))}
        {rest.map((issue) => (
          <li key={issue.propertyName + issue.rule}>
            <code>{issue.propertyName}</code> {sayIssue(issue, text)}
          </li>
        ))}
      </ul>
      <CorrelationId id={problem.correlationId} />
    </Message>
  )
}

function goTo(event: { preventDefault: () => void }, name: string): void {
  event.preventDefault()
  document.querySelector<HTMLElement>(`main [name="${name}"], dialog [name="${name}"]`)?.focus()
}

/** Asks once before the page is left with content that was not sent. */
export function UnsavedGuard({ isUnsaved }: { isUnsaved: boolean }) {
  const { form } = useText()
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isUnsaved && current.pathname !== next.pathname,
    enableBeforeUnload: isUnsaved,
    withResolver: true,
  })
  if (blocker.status !== 'blocked') return null
  return (
    <Modal title={form.unsaved} role="alertdialog" onClose={blocker.reset}>
      <p>{form.unsavedText}</p>
      <div className="row">
        <Button look="main" onClick={blocker.reset}>
          {form.stay}
        </Button>
        <Button onClick={blocker.proceed}>{form.leave}</Button>
      </div>
    </Modal>
  )
}
