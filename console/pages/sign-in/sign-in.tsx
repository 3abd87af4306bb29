import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { BASE } from '../../api/call.ts'
import { read } from '../../api/queries.ts'
import button from '../../kit/button.module.css'
import { CorrelationId, Failure } from '../../kit/failure.tsx'
import { Message } from '../../kit/message.tsx'
import { useText } from '../../text/text.ts'
import { Card } from './card.tsx'

const route = getRouteApi('/sign-in')

/** How people sign in: at the sign-in service, or by a link. */
export function SignIn() {
  const { signIn: text } = useText()
  const { problem, request, to = '/console' } = route.useSearch()
  const { data, error, refetch } = useQuery(read('GET /sign-in', {}))
  const why = problem ? (text.problems as Record<string, string>)[problem] : undefined
  const start = `${BASE}/console/sign-in/start?${new URLSearchParams({ to })}`
  return (
    <Card title={text.title}>
      {why && (
        <Message kind="bad" title={why}>
          {request && <CorrelationId id={request} />}
        </Message>
      )}
      {error && <Failure error={error} onRetry={() => refetch()} />}
      {data?.issuer && (
        <a className={`${button.button} ${button.main}`} href={start}>
          {text.with(data.issuer.name)}
        </a>
      )}
      {data && (
        <p>
          {data.issuer ? text.orLink : text.byLink} <code>{text.command}</code>.
        </p>
      )}
    </Card>
  )
}
