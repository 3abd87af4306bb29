import { Link } from '@tanstack/react-router'
import { Breakable, Id } from '../../kit/id.tsx'
import { List } from '../../kit/list.tsx'
import { Message } from '../../kit/message.tsx'
import { useText } from '../../text/text.ts'
import { AuditList } from '../audit/audit-list.tsx'
import { useUserColumns } from '../users/columns.tsx'
import type { Organization } from './names.tsx'
import { useOrganization } from './organization.tsx'

/** The people of an organization. */
export function OrganizationUsers() {
  const { users: text, organizations } = useText()
  const { data } = useOrganization()
  const columns = useUserColumns().filter(({ heading }) => heading !== text.columns.organization)
  if (!data) return null
  const { id } = data
  return (
    <>
      <p>
        <Link to="/users" search={{ org: id }}>
          {organizations.searchUsers}
        </Link>
      </p>
      <List
        name={text.title}
        operation="GET /users"
        request={{ query: { organization: id } }}
        columns={columns}
        getKey={(user) => user.id}
        count={text.count}
        empty={<Message kind="note">{organizations.noUsers}</Message>}
      />
    </>
  )
}

/** The place of a customer on the storage platform. */
export function OrganizationTenant() {
  const { organizations: text, users } = useText()
  const { data } = useOrganization()
  if (!data) return null
  const { id, tenant } = data
  if (tenant === null) return <Message kind="note">{text.noTenant}</Message>
  return (
    <section className="panel">
      <h2>{text.tenant}</h2>
      <dl className="facts">
        <dt>{text.tenantId}</dt>
        <dd>
          <Id canCopy>{tenant.id}</Id>
        </dd>
        <dt>{text.platform}</dt>
        <dd>{tenant.platform}</dd>
        <dt>{text.whoGets}</dt>
        <dd>{text.policies[tenant.accounts]}</dd>
        <dt>{text.orgs}</dt>
        <dd>{tenant.orgs}</dd>
        <dt>{users.columns.account}</dt>
        <dd className="row">
          {(['failing', 'parked', 'waiting', 'suspended'] as const).map((state) => (
            <Link key={state} to="/users" search={{ org: id, state: [state] }}>
              {users.accountWords[state]}
            </Link>
          ))}
        </dd>
      </dl>
    </section>
  )
}

/** With whom an organization works: the resellers of a customer, the customers of a reseller. */
export function OrganizationRelations() {
  const { data } = useOrganization()
  if (!data) return null
  return data.kind === 'customer' ? <Resellers organization={data} /> : <Customers organization={data} />
}

function Resellers({ organization: { resellers } }: { organization: Organization }) {
  const { organizations: text } = useText()
  if (resellers.length === 0) return <Message kind="note">{text.noResellers}</Message>
  return (
    <section>
      <h2>{text.columns.resellers}</h2>
      <ul>
        {resellers.map(({ id, name }) => (
          <li key={id}>
            <Link to="/organizations/$id" params={{ id }}>
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Customers({ organization: { id, kind } }: { organization: Organization }) {
  const { organizations: text, format } = useText()
  return (
    <List
      name={text.customers}
      operation="GET /organizations"
      request={{ query: { kind: 'customer', ...(kind === 'reseller' && { reseller: id }) } }}
      columns={[
        {
          heading: text.columns.name,
          cell: (customer) => (
            <Link to="/organizations/$id" params={{ id: customer.id }}>
              <Breakable>{customer.name}</Breakable>
            </Link>
          ),
        },
        { heading: text.columns.users, cell: ({ users }) => format.number(users) },
      ]}
      getKey={(customer) => customer.id}
      count={text.count}
      empty={<Message kind="note">{text.noCustomers}</Message>}
    />
  )
}

/** What was done in an organization. */
export function OrganizationAudit() {
  const { data } = useOrganization()
  return data ? <AuditList filters={{ org: data.id }} /> : null
}
