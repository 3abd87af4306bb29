import { Link } from '@tanstack/react-router'
import type { RowOf } from '../../api/queries.ts'
import { Breakable } from '../../kit/id.tsx'
import { List } from '../../kit/list.tsx'
import { Message } from '../../kit/message.tsx'
import { Moment } from '../../kit/moment.tsx'
import type { Column } from '../../kit/table.tsx'
import { useText } from '../../text/text.ts'
import { nameOf } from '../users/names.tsx'
import { useOrganization } from './organization.tsx'

/** Who enters for an organization, and the portals through which it is reached. */
export function OrganizationAccess() {
  const { organizations: text } = useText()
  const { data } = useOrganization()
  const columns = useColumns()
  if (!data) return null
  return (
    <>
      <section className="panel">
        <h2>{text.columns.portals}</h2>
        {data.portals.length === 0
          ? text.noPortals
          : data.portals.map((domain) => (
              <div key={domain}>
                <Breakable>{domain}</Breakable>
              </div>
            ))}
      </section>
      <section>
        <h2>{text.peopleWithAccess}</h2>
        <List
          name={text.peopleWithAccess}
          operation="GET /people"
          request={{ query: { organization: data.id } }}
          columns={columns}
          getKey={({ id }) => id}
          count={text.countPeople}
          empty={<Message kind="note">{text.noPeople}</Message>}
        />
      </section>
    </>
  )
}

function useColumns(): readonly Column<RowOf<'GET /people'>>[] {
  const text = useText()
  const { organizations, users, roles, format, none } = text
  return [
    {
      heading: users.columns.user,
      cell: (person) => (
        <>
          <Link to="/users/$id" params={{ id: person.id }}>
            <Breakable>{nameOf(person, text)}</Breakable>
          </Link>
          <div className="quiet">{person.email && <Breakable>{person.email}</Breakable>}</div>
        </>
      ),
    },
    { heading: organizations.role, cell: ({ permission }) => roles[permission] },
    { heading: organizations.issuers, cell: ({ issuers }) => format.list(issuers) || none },
    { heading: organizations.sessions, cell: ({ sessions }) => format.number(sessions) },
    {
      heading: organizations.seen,
      cell: ({ seenAt }) => (seenAt ? <Moment at={seenAt} look="relative" /> : '–'),
    },
  ]
}
