import { Link } from '@tanstack/react-router'
import { Breakable } from '../../kit/id.tsx'
import { List } from '../../kit/list.tsx'
import { Message } from '../../kit/message.tsx'
import { Moment } from '../../kit/moment.tsx'
import { Status } from '../../kit/status.tsx'
import type { Column } from '../../kit/table.tsx'
import { useText } from '../../text/text.ts'
import { About, Caller, type Entry, operationName, outcomeName } from './names.tsx'
import { type AuditSearch, toFilters } from './search.ts'

/** Entries of the audit log, newest first. */
export function AuditList({ filters }: { filters: AuditSearch }) {
  const { audit: text } = useText()
  const { org } = filters
  return (
    <List
      name={text.title}
      operation="GET /audit"
      request={{ query: toFilters(filters) }}
      columns={useColumns(filters).filter(({ heading }) => !org || heading !== text.columns.organization)}
      getKey={({ id }) => id}
      count={text.count}
      empty={<Message kind="note" title={text.nothing} />}
    />
  )
}

const LOOKS = { Succeeded: 'good', Failed: 'failing', Processing: 'waiting' } as const

/** Whether something was done, on the platform too. */
export function EntryStatus({ status }: Pick<Entry, 'status'>) {
  const { audit } = useText()
  return <Status look={LOOKS[status]}>{audit.statuses[status]}</Status>
}

function useColumns(filters: AuditSearch): readonly Column<Entry>[] {
  const text = useText()
  const { columns } = text.audit
  return [
    {
      heading: columns.time,
      cell: ({ at, correlationId }) => (
        <Link to="/audit/$correlationId" params={{ correlationId }}>
          <Moment at={at} />
        </Link>
      ),
    },
    {
      heading: columns.operation,
      cell: ({ operation }) => <Breakable>{operationName(operation, text)}</Breakable>,
    },
    {
      heading: columns.status,
      cell: ({ status, outcome }) => (
        <>
          <EntryStatus status={status} />
          <div>
            <Link to="/audit" search={{ ...filters, outcome }} title={outcome}>
              <Breakable>{outcomeName(outcome, text)}</Breakable>
            </Link>
          </div>
        </>
      ),
    },
    { heading: columns.caller, cell: ({ caller }) => <Caller caller={caller} /> },
    { heading: columns.about, cell: (entry) => <About entry={entry} /> },
    {
      heading: columns.organization,
      cell: ({ organization }) =>
        organization ? (
          <Link to="/organizations/$id" params={{ id: organization.id }}>
            <Breakable>{organization.name}</Breakable>
          </Link>
        ) : (
          '–'
        ),
    },
    {
      heading: columns.changed,
      cell: ({ changedFields }) => (
        <Breakable>
          {changedFields.map((name) => text.timeline.members[name] ?? name).join(', ') || '–'}
        </Breakable>
      ),
    },
  ]
}
