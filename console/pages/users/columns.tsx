import { Link } from '@tanstack/react-router'
import type { RowOf } from '../../api/queries.ts'
import { Breakable } from '../../kit/id.tsx'
import { Moment } from '../../kit/moment.tsx'
import type { Column } from '../../kit/table.tsx'
import { useText } from '../../text/text.ts'
import { AccountStatus, hasNames, nameOf } from './names.tsx'

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
            <Breakable>{nameOf(user, text)}</Breakable>
          </Link>
          {hasNames(user) && user.email && (
            <div className="quiet">
              <Breakable>{user.email}</Breakable>
            </div>
          )}
        </>
      ),
    },
    { heading: columns.organization, cell: ({ organization }) => <Breakable>{organization.name}</Breakable> },
    { heading: columns.reseller, cell: ({ reseller }) => <Breakable>{reseller?.name ?? '–'}</Breakable> },
    {
      heading: columns.groups,
      cell: ({ groups }) => <Breakable>{groups.map(({ name }) => name).join(', ') || '–'}</Breakable>,
    },
    { heading: columns.account, cell: ({ account }) => <AccountStatus word={account} /> },
    { heading: columns.changed, cell: ({ updatedAt }) => <Moment at={updatedAt} look="short" /> },
  ]
}
