import { Checks, Field } from '../../kit/field.tsx'
import { useFieldErrors } from '../../kit/form.tsx'
import { useText } from '../../text/text.ts'
import { useGroups } from './groups.ts'

/** What a form about a user holds. An empty text stands for none. */
export interface UserValues {
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  readonly groupIds: readonly string[]
}

/** Returns the body of a request: empty texts as null. */
export function toBody({ firstName, lastName, email, groupIds }: UserValues) {
  const toNull = (text: string) => (text.trim() === '' ? null : text)
  return {
    ...{ firstName: toNull(firstName), lastName: toNull(lastName), email: toNull(email) },
    groupIds: [...groupIds],
  }
}

/** The members of the request with their labels, in the order of the form. */
export function useFieldLabels() {
  const { userForm: text } = useText()
  return {
    ...{ organization: text.organization, reseller: text.reseller, firstName: text.firstName },
    ...{ lastName: text.lastName, email: text.email, groupIds: text.groups },
  }
}

interface UserFieldsProps {
  readonly values: UserValues
  readonly onChange: (values: UserValues) => void
  readonly error: unknown
  /** The name of the user's organization, for what the groups mean there. */
  readonly organization: string | undefined
}

/** Names, e-mail address and groups, each with what the server says is wrong with it. */
export function UserFields({ values, onChange, error, organization }: UserFieldsProps) {
  const { userForm: text } = useText()
  const labels = useFieldLabels()
  const errorsOf = useFieldErrors(error, Object.keys(labels))
  const groups = useGroups(organization ?? text.thisOrganization)
  const field = (name: 'firstName' | 'lastName' | 'email', type = 'text') => (
    <Field
      label={labels[name]}
      name={name}
      type={type}
      autoComplete="off"
      value={values[name]}
      errors={errorsOf(name)}
      onChange={({ target }) => onChange({ ...values, [name]: target.value })}
    />
  )
  return (
    <>
      <div className="columns">
        {field('firstName')}
        {field('lastName')}
      </div>
      {field('email', 'email')}
      <Checks
        label={labels.groupIds}
        name="groupIds"
        choices={groups}
        chosen={values.groupIds}
        errors={errorsOf('groupIds')}
        onChange={(groupIds) => onChange({ ...values, groupIds })}
      />
    </>
  )
}
