import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'
import type { RowOf } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Select } from '../../kit/field.tsx'
import { Breakable, Id } from '../../kit/id.tsx'
import { List } from '../../kit/list.tsx'
import { Message } from '../../kit/message.tsx'
import { Page } from '../../kit/page.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import type { Column } from '../../kit/table.tsx'
import { useText } from '../../text/text.ts'
import { OrganizationStatus } from './names.tsx'

const route = getRouteApi('/app/organizations')

/** The list of resellers and customers within reach. */
export function Organizations() {
  const { organizations: text } = useText()
  return (
    <Page title={text.title} about={text.about}>
      <Filters />
      <List
        name={text.title}
        operation="GET /organizations"
        request={{ query: route.useSearch() }}
        columns={useColumns()}
        getKey={({ id }) => id}
        count={text.count}
        empty={<Nothing />}
      />
    </Page>
  )
}

function Filters() {
  const { organizations: text, any, kinds, clear } = useText()
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/organizations' })
  const onSearch = useCallback(
    (q: string) => navigate({ search: ({ q: _, ...rest }) => ({ ...rest, ...(q && { q }) }), replace: true }),
    [navigate],
  )
  return (
    <div className="row">
      <SearchField label={text.search} value={search.q ?? ''} onSearch={onSearch} />
      <Select
        label={text.columns.kind}
        value={search.kind ?? ''}
        choices={[
          { value: '', label: any },
          { value: 'customer', label: kinds.customer },
          { value: 'reseller', label: kinds.reseller },
        ]}
        onChange={(value) => {
          const { kind: _, ...rest } = search
          const kind = value === 'customer' || value === 'reseller' ? value : undefined
          navigate({ search: { ...rest, ...(kind && { kind }) } })
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

function Nothing() {
  const { organizations: text, users } = useText()
  const { q } = route.useSearch()
  return (
    <Message kind="note" title={text.nothing}>
      {q && <p>{text.nothingText(q)}</p>}
      <Link to="/organizations" search={{}}>
        {users.clearSearch}
      </Link>
    </Message>
  )
}

function useColumns(): readonly Column<RowOf<'GET /organizations'>>[] {
  const { organizations, kinds, format } = useText()
  const { columns } = organizations
  return [
    {
      heading: columns.name,
      cell: ({ id, name }) => (
        <Link to="/organizations/$id" params={{ id }}>
          <Breakable>{name}</Breakable>
        </Link>
      ),
    },
    { heading: columns.kind, cell: ({ kind }) => <span className="whole">{kinds[kind]}</span> },
    { heading: columns.state, cell: ({ state }) => <OrganizationStatus state={state} /> },
    {
      heading: columns.resellers,
      cell: ({ resellers }) => <Breakable>{format.list(resellers.map(({ name }) => name)) || '–'}</Breakable>,
    },
    { heading: columns.users, cell: ({ users }) => format.number(users) },
    { heading: columns.tenant, cell: ({ tenant }) => (tenant ? <Id>{tenant.id}</Id> : '–') },
    { heading: columns.portals, cell: ({ portals }) => <Breakable>{format.list(portals) || '–'}</Breakable> },
  ]
}
