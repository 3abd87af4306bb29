import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'
import { useMay } from '../../api/permissions.ts'
import { Button, LinkButton } from '../../kit/button.tsx'
import { Select } from '../../kit/field.tsx'
import { List } from '../../kit/list.tsx'
import { Message } from '../../kit/message.tsx'
import { Page } from '../../kit/page.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { useText } from '../../text/text.ts'
import { useUserColumns } from './columns.tsx'
import type { UsersSearch } from './search.ts'

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
        <LinkButton to="/users/new" look="main" shortcut="n" reason={may('CreateUser')}>
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
        empty={<Nobody />}
      />
    </Page>
  )
}

function toQuery({ q, org, reseller, group, deleted }: UsersSearch) {
  return {
    ...(q && { q }),
    ...(org && { organization: org }),
    ...(reseller && { reseller }),
    ...(group && { group }),
    ...(deleted && { deleted }),
  }
}

function Filters() {
  const { users: text, clear } = useText()
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/users' })
  const onSearch = useCallback(
    (q: string) => navigate({ search: (now) => toSearch({ ...now, q }), replace: true }),
    [navigate],
  )
  return (
    <div className="row">
      <SearchField label={text.search} value={search.q ?? ''} onSearch={onSearch} />
      <Select
        label={text.deleted}
        value={search.deleted ? 'yes' : 'no'}
        choices={[
          { value: 'no', label: text.deletedChoices.no },
          { value: 'yes', label: text.deletedChoices.yes },
        ]}
        onChange={(value) => {
          const { deleted: _, ...rest } = search
          navigate({ search: value === 'yes' ? { ...rest, deleted: true } : rest })
        }}
      />
      {Object.keys(search).length > 0 && (
        <Button look="text" onClick={() => navigate({ search: {} })}>
          {clear}
        </Button>
      )}
    </div>
  )
}

function toSearch({ q, ...rest }: UsersSearch): UsersSearch {
  return { ...rest, ...(q && { q }) }
}

function Nobody() {
  const { users: text } = useText()
  const { q = '' } = route.useSearch()
  return (
    <Message kind="note" title={text.nobody}>
      <p>{q && text.nobodyText(q)}</p>
      <Link to="/users" search={{}}>
        {text.clearSearch}
      </Link>
    </Message>
  )
}
