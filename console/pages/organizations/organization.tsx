import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, Outlet } from '@tanstack/react-router'
import { useMay } from '../../api/permissions.ts'
import { read } from '../../api/queries.ts'
import { LinkButton } from '../../kit/button.tsx'
import { Failure } from '../../kit/failure.tsx'
import { Page } from '../../kit/page.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { Tabs } from '../../kit/tabs.tsx'
import { useText } from '../../text/text.ts'
import { type Organization, OrganizationStatus } from './names.tsx'
import { Rename } from './rename.tsx'

const route = getRouteApi('/app/organizations/$id')

/** Returns the organization that the page is about; undefined until it is here. */
export function useOrganization() {
  const { id } = route.useParams()
  return useQuery(read('GET /organizations/:id', { params: { id } }))
}

/** One organization: what it is, and its people, tenant, relations, access and audit entries below it. */
export function OrganizationPage() {
  const { organizations: text } = useText()
  const { data, error, refetch } = useOrganization()
  if (!data) {
    return (
      <Page title={text.one}>
        {error ? <Failure error={error} onRetry={() => refetch()} /> : <Skeleton />}
      </Page>
    )
  }
  return (
    <Page
      key={data.id}
      title={data.name}
      about={<About organization={data} />}
      actions={<Actions organization={data} />}
    >
      {error && <Failure error={error} onRetry={() => refetch()} />}
      <OrganizationTabs organization={data} />
      <Outlet />
    </Page>
  )
}

function About({ organization }: { organization: Organization }) {
  const { kinds, organizations: text, format } = useText()
  const { kind, state, resellers, users } = organization
  return (
    <span className="row">
      <span>{kinds[kind]}</span>
      <OrganizationStatus state={state} />
      {resellers.length > 0 && (
        <span>
          {text.customerOf}{' '}
          {resellers.map(({ id, name }, at) => (
            <span key={id}>
              {at > 0 && ', '}
              <Link to="/organizations/$id" params={{ id }}>
                {name}
              </Link>
            </span>
          ))}
        </span>
      )}
      <span>{text.people(format.number(users), users)}</span>
    </span>
  )
}

function Actions({ organization }: { organization: Organization }) {
  const { users } = useText()
  const may = useMay()
  const reason = may('CreateUser')
  return (
    <>
      <Rename organization={organization} />
      <LinkButton to="/users/new" search={{ org: organization.id }} look="main" shortcut="n" reason={reason}>
        {users.new}
      </LinkButton>
    </>
  )
}

function OrganizationTabs({ organization: { id, kind } }: { organization: Organization }) {
  const { organizations: text, shell } = useText()
  const params = { id }
  return (
    <Tabs
      name={text.parts}
      tabs={[
        { to: '/organizations/$id' as const, params, label: shell.users },
        ...(kind === 'customer'
          ? [{ to: '/organizations/$id/tenant' as const, params, label: text.tenant }]
          : []),
        { to: '/organizations/$id/relations' as const, params, label: text.relations },
        ...(kind === 'customer'
          ? []
          : [{ to: '/organizations/$id/access' as const, params, label: text.access }]),
        { to: '/organizations/$id/audit' as const, params, label: shell.audit },
      ]}
    />
  )
}
