import { getRouteApi, Link } from '@tanstack/react-router'
import { useMay } from '../../api/permissions.ts'
import { LinkButton } from '../../kit/button.tsx'
import { List } from '../../kit/list.tsx'
import { Message } from '../../kit/message.tsx'
import { Page } from '../../kit/page.tsx'
import { useText } from '../../text/text.ts'
import { useUserColumns } from './columns.tsx'
import { Filters } from './filters.tsx'
import type { NewUserSearch, UsersSearch } from './search.ts'

const route = getRouteApi('/app/users')

/** The list of users: a search over everyone within reach. */
export function Users() {
  const { users: text } = useText()
  const search = route.useSearch()
  const may = useMay()
  return (
    <Page
      title={text.title}
      about={text.about}
      actions={
        <LinkButton
          to="/users/new"
          search={toNewUser(search)}
          look="main"
          shortcut="n"
          reason={may('CreateUser')}
        >
          {text.new}
        </LinkButton>
      }
    >
      <Filters />
      <List
        name={text.title}
        operation="GET /users"
        request={{ query: toQuery(search) }}
        columns={useUserColumns()}
        getKey={({ id }) => id}
        count={text.count}
        empty={<NoMatch />}
      />
    </Page>
  )
}

function toQuery({ q, org, reseller, group, state, deleted }: UsersSearch) {
  return {
    ...(q && { q }),
    ...(org && { organization: org }),
    ...(reseller && { reseller }),
    ...(group && { group }),
    ...(state && { state: state.join(',') }),
    ...(deleted && { deleted }),
  }
}

/** What a search for someone who is not there says about the user to create. */
function toNewUser({ q = '', org, reseller }: UsersSearch): NewUserSearch {
  return { ...(org && { org }), ...(reseller && { reseller }), ...(q.includes('@') && { email: q.trim() }) }
}

/** What the page says if no user matches: what was asked for, and the ways on. */
function NoMatch() {
  const { users: text } = useText()
  const search = route.useSearch()
  const { q = '', deleted, ...others } = search
  const may = useMay()
  return (
    <Message kind="note" title={text.noMatch}>
      {q && <p>{text.noMatchText(q)}</p>}
      <div className="row">
        {Object.keys(search).length > 0 && (
          <Link to="/users" search={{}}>
            {text.clearSearch}
          </Link>
        )}
        {!deleted && q && (
          <Link to="/users" search={{ ...others, q, deleted: true }}>
            {text.searchDeleted}
          </Link>
        )}
        <LinkButton to="/users/new" search={toNewUser(search)} reason={may('CreateUser')}>
          {text.new}
        </LinkButton>
      </div>
    </Message>
  )
}
