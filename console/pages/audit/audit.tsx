import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { addressOf } from '../../api/call.ts'
import { useMay } from '../../api/permissions.ts'
import { read } from '../../api/queries.ts'
import { Button, DownloadLink } from '../../kit/button.tsx'
import { Select } from '../../kit/field.tsx'
import { Page } from '../../kit/page.tsx'
import { OrganizationPicker } from '../../kit/picker.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { useText } from '../../text/text.ts'
import { AuditList } from './audit-list.tsx'
import { outcomeName } from './names.tsx'
import { type AuditSearch, STATUSES, toFilters } from './search.ts'
import { Verification } from './verification.tsx'

const route = getRouteApi('/app/audit')

const FORMATS = ['csv', 'ndjson'] as const

/** The filters that links of the list set. */
const CHIPS = ['caller', 'outcome'] as const

const RANGES = { day: 86_400_000, week: 7 * 86_400_000, month: 30 * 86_400_000 } as const

/** The audit log. */
export function Audit() {
  const { audit: text } = useText()
  const filters = route.useSearch()
  const may = useMay()
  return (
    <Page
      title={text.title}
      about={text.about}
      actions={FORMATS.map((format) => (
        <DownloadLink
          key={format}
          href={addressOf('GET /audit/export', {
            query: { ...toFilters(filters), format, ...(format === 'csv' && { delimiter: text.delimiter }) },
          })}
          reason={may('ExportAudit')}
        >
          {text.export(format)}
        </DownloadLink>
      ))}
    >
      <Filters />
      {may('VerifyAudit') === null && <Verification />}
      <AuditList filters={filters} />
    </Page>
  )
}

/** Changes one filter; an empty value takes it out. */
function useFilter() {
  const navigate = useNavigate({ from: '/audit' })
  return (name: keyof AuditSearch, value: string, replace = false) =>
    navigate({
      search: ({ [name]: _, ...rest }) => ({ ...rest, ...(value && { [name]: value }) }) as AuditSearch,
      replace,
    })
}

function Filters() {
  const words = useText()
  const { audit: text, any, clear } = words
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/audit' })
  const filter = useFilter()
  const operations = Object.entries(words.operations).sort(([, a], [, b]) => a.localeCompare(b))
  return (
    <div className="stack">
      <div className="row">
        <SearchField
          label={text.target}
          value={search.target ?? ''}
          onSearch={(target) => filter('target', target, true)}
        />
        <Select
          label={text.columns.operation}
          value={search.operation ?? ''}
          choices={[{ value: '', label: any }, ...operations.map(([value, label]) => ({ value, label }))]}
          onChange={(operation) => filter('operation', operation)}
        />
        <Select
          label={text.columns.status}
          value={search.status ?? ''}
          choices={[
            { value: '', label: any },
            ...STATUSES.map((value) => ({ value, label: text.statuses[value] })),
          ]}
          onChange={(status) => filter('status', status)}
        />
      </div>
      <div className="row">
        <OrganizationFilter org={search.org} onChange={(org) => filter('org', org)} />
        <Range since={search.since} onChange={(since) => filter('since', since)} />
        <label>
          {text.until}{' '}
          <input
            type="date"
            value={search.until ? toDay(search.until) : ''}
            onChange={({ target }) => filter('until', target.value && toEndOfDay(target.value))}
          />
        </label>
        {CHIPS.map((name) => {
          const value = search[name]
          if (value === undefined) return null
          const caller = value === 'operator' ? text.callers.operator : value
          const shown = name === 'outcome' ? outcomeName(value, words) : caller
          return (
            <Button key={name} onClick={() => filter(name, '')}>
              <span className="sr-only">{text.without} </span>
              {text.columns[name]}: <span className="mono">{shown}</span>
              <span aria-hidden="true">✕</span>
            </Button>
          )
        })}
        {Object.keys(search).length > 0 && (
          <Button look="text" onClick={() => navigate({ search: {} })}>
            {clear}
          </Button>
        )}
      </div>
    </div>
  )
}

/** Returns the day of a time in the zone of the browser, as a field of dates has it. */
function toDay(iso: string): string {
  const time = new Date(iso)
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000)
  return Number.isNaN(local.getTime()) ? '' : local.toISOString().slice(0, 10)
}

/** Returns when a day of the browser's zone ends. */
function toEndOfDay(day: string): string {
  return new Date(`${day}T23:59:59.999`).toISOString()
}

function OrganizationFilter({ org, onChange }: { org: string | undefined; onChange: (id: string) => void }) {
  const { audit: text } = useText()
  const { data } = useQuery({
    ...read('GET /organizations/:id', { params: { id: org ?? '' } }),
    enabled: org !== undefined,
  })
  const chosen = org === undefined ? null : { id: org, name: data?.name ?? org }
  return (
    <OrganizationPicker
      label={text.columns.organization}
      chosen={chosen}
      onChange={({ id }) => onChange(id)}
    />
  )
}

function Range({ since, onChange }: { since: string | undefined; onChange: (since: string) => void }) {
  const { audit: text } = useText()
  const names = Object.keys(RANGES) as (keyof typeof RANGES)[]
  const age = since === undefined ? null : Date.now() - Date.parse(since)
  const chosen = age === null ? undefined : names.find((name) => age <= RANGES[name] + 3_600_000)
  return (
    <Select
      label={text.since}
      value={chosen ?? 'month'}
      choices={names.map((value) => ({ value, label: text.ranges[value] }))}
      onChange={(value) => {
        const range = RANGES[value as keyof typeof RANGES]
        onChange(value === 'month' ? '' : new Date(Date.now() - range).toISOString())
      }}
    />
  )
}
