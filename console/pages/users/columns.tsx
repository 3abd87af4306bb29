import { Link } from '@tanstack/react-router'
import type { RowOf } from '../../api/queries.ts'
import { Moment } from '../../kit/moment.tsx'
import type { Column } from '../../kit/table.tsx'
import { useText } from '../../text/text.ts'
import { AccountStatus, nameOf } from './names.tsx'

type Row = RowOf<'GET /users'>

/** The columns of a list of users. */
export function useUserColumns(): readonly Column<Row>[] {
  const text = useText()
  const { columns } = text.users
  return [
    {
      heading: columns.user,
      cell: (user) => (
        <>
          <Link to="/users/$id" params={{ id: user.id }}>
            {nameOf(user, text)}
          </Link>
          <div className="quiet">{user.email}</div>
        </>
      ),
    },
    { heading: columns.organization, cell: ({ organization }) => organization.name },
    { heading: columns.reseller, cell: ({ reseller }) => reseller?.name ?? '–' },
    { heading: columns.groups, cell: ({ groups }) => groups.map(({ name }) => name).join(', ') || '–' },
    { heading: columns.account, cell: ({ account }) => <AccountStatus word={account} /> },
    { heading: columns.changed, cell: ({ updatedAt }) => <Moment at={updatedAt} look="short" /> },
  ]
}
