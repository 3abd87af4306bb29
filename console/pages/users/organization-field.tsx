import { useNavigate } from '@tanstack/react-router'
import type { ResponseOf } from '../../api/call.ts'
import { OrganizationPicker } from '../../kit/picker.tsx'
import { useText } from '../../text/text.ts'

interface OrganizationFieldProps {
  readonly id: string | undefined
  readonly organization: ResponseOf<'GET /organizations/:id'> | undefined
  /** Whether the form was sent without an organization. */
  readonly isMissing: boolean
}

/** The organization of a new user. It is in the address, so that the form can be linked. */
export function OrganizationField({ id, organization, isMissing }: OrganizationFieldProps) {
  const { userForm: text, kinds, format } = useText()
  const navigate = useNavigate({ from: '/users/new' })
  return (
    <div>
      <OrganizationPicker
        label={text.organization}
        chosen={organization ?? (id === undefined ? null : { id, name: id })}
        onChange={(chosen) =>
          navigate({ search: ({ reseller: _, ...now }) => ({ ...now, org: chosen.id }), replace: true })
        }
      />
      {organization && (
        <span className="quiet">
          {kinds[organization.kind]} · {text.users(format.number(organization.users))}
        </span>
      )}
      {isMissing && (
        <p role="alert" className="problem">
          {text.organization}: {text.chooseFirst}
        </p>
      )}
    </div>
  )
}
