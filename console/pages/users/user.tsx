import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { read } from '../../api/queries.ts'
import { Failure } from '../../kit/failure.tsx'
import { Message } from '../../kit/message.tsx'
import { Page } from '../../kit/page.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { useText } from '../../text/text.ts'
import { Account } from './account.tsx'
import { Cause } from './cause.tsx'
import { HeadActions } from './head-actions.tsx'
import { Missing } from './missing.tsx'
import { nameOf, Place } from './names.tsx'
import { Timeline } from './timeline.tsx'
import { type UserView, useAccounts, useActs } from './user-data.ts'
import { useExplanation, Why } from './why.tsx'

const route = getRouteApi('/app/users/$id')

/** The page of one user: why it works or not, the account, the keys, the groups, and what happened. */
export function User() {
  const { id } = route.useParams()
  const { user: text, loading } = useText()
  const { data, error, refetch } = useQuery(read('GET /users/:id', { params: { id } }))
  if (data) return <Known key={id} user={data} error={error} />
  return (
    <Page title={error ? text.title : loading}>
      {error ? <Missing error={error} onRetry={refetch} /> : <Skeleton lines={10} />}
    </Page>
  )
}

function Known({ user, error }: { user: UserView; error: Error | null }) {
  const text = useText()
  const accounts = useAccounts(user.id)
  const acts = useActs(user.id)
  const why = useExplanation(user.id)
  const shared = { user, acts, accounts: accounts.data?.accounts ?? [] }
  return (
    <Page title={nameOf(user, text)} about={<Place user={user} />} actions={<HeadActions {...shared} />}>
      {error && <Failure error={error} />}
      {acts.error && <Failure error={acts.error} />}
      <Arrival user={user} />
      {why.shown && <Cause {...shared} why={why.shown} />}
      <div className="columns">
        <Why user={user} accounts={shared.accounts} why={why} />
        <Account {...shared} found={accounts} s3Url={why.shown?.s3Url ?? null} />
      </div>
      <Timeline userId={user.id} />
    </Page>
  )
}

/** What the form that led here has done. */
function Arrival({ user }: { user: UserView }) {
  const { user: text } = useText()
  const { done } = route.useSearch()
  if (!done) return null
  const said = { created: text.created, there: text.wasThere, restored: text.wasRestored }[done]
  const { organization, reseller } = user
  return (
    <Message kind={done === 'there' ? 'note' : 'good'} title={said}>
      <Link to="/users/new" search={{ org: organization.id, ...(reseller && { reseller: reseller.id }) }}>
        {text.newHere}
      </Link>
    </Message>
  )
}
