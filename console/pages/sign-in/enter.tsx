import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { call } from '../../api/call.ts'
import { ProblemError, toFormIssues } from '../../api/problems.ts'
import { announceSignIn } from '../../api/session.ts'
import { Button } from '../../kit/button.tsx'
import { Failure } from '../../kit/failure.tsx'
import { Field } from '../../kit/field.tsx'
import { useText } from '../../text/text.ts'
import { Card } from './card.tsx'

const FIELDS = ['firstName', 'lastName', 'email'] as const

/** Entering by a one-time link. The link is used when the person clicks, since scanners of mail open links. */
export function Enter() {
  const { signIn: text } = useText()
  const [token] = useState(takeToken)
  const [missing, setMissing] = useState<readonly string[]>([])
  const queries = useQueryClient()
  const navigate = useNavigate()
  const entering = useMutation({
    mutationFn: (entered: Record<string, string>) =>
      call('POST /enter', { body: { token, ...entered } }, { signedOut: 'fail' }),
    onSuccess() {
      queries.clear()
      announceSignIn()
      navigate({ to: '/users', replace: true })
    },
    onError: (error) => setMissing((before) => [...new Set([...before, ...namesIn(error)])]),
  })
  const issues = toFormIssues(issuesOf(entering.error), FIELDS)
  // The first time, the server says which of these it does not know yet: that is no mistake of the person.
  const isFirst = entering.variables !== undefined && Object.keys(entering.variables).length === 0
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    entering.mutate(Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>)
  }
  if (token === '') return <Card title={text.enterTitle}>{text.noToken}</Card>
  return (
    <Card title={text.enterTitle}>
      {entering.error && !(isFirst && missing.length > 0) && <Failure error={entering.error} />}
      <p>{missing.length > 0 ? text.whoText : text.enterText}</p>
      <form className="stack" noValidate onSubmit={send}>
        {FIELDS.filter((name) => missing.includes(name)).map((name) => (
          <Field
            key={name}
            name={name}
            label={text[name]}
            type={name === 'email' ? 'email' : 'text'}
            autoComplete={{ firstName: 'given-name', lastName: 'family-name', email: 'email' }[name]}
            errors={
              isFirst ? [] : issues.fields[name]?.map(({ description }) => `${text[name]} ${description}.`)
            }
          />
        ))}
        <div className="row">
          <Button type="submit" look="main" isBusy={entering.isPending}>
            {entering.isPending ? text.entering : text.enter}
          </Button>
        </div>
      </form>
    </Card>
  )
}

/** Takes the secret out of the address, so that it does not stay in the history of the browser. */
function takeToken(): string {
  const token = location.hash.slice(1)
  if (token !== '') {
    kept = token
    history.replaceState(history.state, '', location.pathname)
  }
  return kept
}
let kept = ''

function issuesOf(error: Error | null) {
  return error instanceof ProblemError ? (error.problem?.errors ?? []) : []
}

function namesIn(error: Error): string[] {
  return issuesOf(error)
    .map(({ propertyName }) => propertyName)
    .filter((name) => (FIELDS as readonly string[]).includes(name))
}
