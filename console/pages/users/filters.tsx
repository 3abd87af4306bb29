import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'
import type { AccountWord } from '../../../src/model/user-lists.ts'
import { read, readMe } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Checks, Select } from '../../kit/field.tsx'
import { Menu } from '../../kit/menu.tsx'
import { OrganizationPicker } from '../../kit/picker.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { useText } from '../../text/text.ts'
import { useGroups } from './groups.ts'
import { STATES, type UsersSearch } from './search.ts'

const route = getRouteApi('/app/users')

/** The search and the filters above the list of users. All of them are in the address. */
export function Filters() {
  const { users: text, clear } = useText()
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/users' })
  const { data: me } = useQuery(readMe)
  const onSearch = useCallback(
    (q: string) => navigate({ search: ({ q: _, ...now }) => ({ ...now, ...(q && { q }) }), replace: true }),
    [navigate],
  )
  return (
    <div className="row">
      <SearchField label={text.search} value={search.q ?? ''} onSearch={onSearch} />
      <OrganizationFilter name="org" label={text.columns.organization} />
      {me?.organization.kind === 'provider' && (
        <OrganizationFilter name="reseller" label={text.columns.reseller} kind="reseller" />
      )}
      <GroupFilter />
      <StateFilter />
      <DeletedFilter />
      {Object.keys(search).length > 0 && (
        <Button look="text" onClick={() => navigate({ search: {} })}>
          {clear}
        </Button>
      )}
    </div>
  )
}

/** Returns what sets one filter. A chosen filter is a step of "back". */
function useFilter<Name extends keyof UsersSearch>(name: Name) {
  const navigate = useNavigate({ from: '/users' })
  return (value: UsersSearch[Name]) =>
    navigate({
      search: ({ [name]: _, ...now }: UsersSearch) =>
        (value === undefined ? now : { ...now, [name]: value }) as UsersSearch,
    })
}

interface OrganizationFilterProps {
  readonly name: 'org' | 'reseller'
  readonly label: string
  readonly kind?: 'reseller'
}

function OrganizationFilter({ name, label, kind }: OrganizationFilterProps) {
  const { users: text } = useText()
  const { [name]: id } = route.useSearch()
  const choose = useFilter(name)
  const { data } = useQuery({
    ...read('GET /organizations/:id', { params: { id: id ?? '' } }),
    enabled: id !== undefined,
  })
  return (
    <span className="row">
      <OrganizationPicker
        label={label}
        {...(kind && { kind })}
        chosen={id === undefined ? { id: '', name: text.anyOne } : { id, name: data?.name ?? id }}
        onChange={(chosen) => choose(chosen.id)}
      />
      {id !== undefined && (
        <Button look="text" aria-label={text.clearFilter(label)} onClick={() => choose(undefined)}>
          ✕
        </Button>
      )}
    </span>
  )
}

function GroupFilter() {
  const { users: text, any } = useText()
  const { group = '' } = route.useSearch()
  const choose = useFilter('group')
  const groups = useGroups('')
  const known = groups.some(({ value }) => value === group)
  return (
    <Select
      label={text.group}
      value={group}
      choices={[
        { value: '', label: any },
        ...groups,
        ...(group !== '' && !known ? [{ value: group, label: group }] : []),
      ]}
      onChange={(id) => choose(id || undefined)}
    />
  )
}

function StateFilter() {
  const { users: text, any } = useText()
  const { state = [] } = route.useSearch()
  const choose = useFilter('state')
  const words = state.map((one) => text.accountWords[one]).join(', ')
  return (
    <Menu
      label={
        <>
          {text.columns.account}: <strong>{words || any}</strong>
        </>
      }
    >
      <Checks
        label={text.columns.account}
        name="state"
        choices={STATES.map((one) => ({ value: one, label: text.accountWords[one] }))}
        chosen={state}
        onChange={(chosen) => {
          const next = STATES.filter((one: AccountWord) => chosen.includes(one))
          choose(next.length > 0 ? next : undefined)
        }}
      />
    </Menu>
  )
}

function DeletedFilter() {
  const { users: text } = useText()
  const { deleted } = route.useSearch()
  const choose = useFilter('deleted')
  return (
    <Select
      label={text.deleted}
      value={deleted ? 'yes' : 'no'}
      choices={[
        { value: 'no', label: text.deletedChoices.no },
        { value: 'yes', label: text.deletedChoices.yes },
      ]}
      onChange={(value) => choose(value === 'yes' || undefined)}
    />
  )
}
