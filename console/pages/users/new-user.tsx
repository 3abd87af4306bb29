import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call, type ResponseOf } from '../../api/call.ts'
import { useMay } from '../../api/permissions.ts'
import { ProblemError } from '../../api/problems.ts'
import { read } from '../../api/queries.ts'
import { Button, LinkButton } from '../../kit/button.tsx'
import { Select } from '../../kit/field.tsx'
import { FormSummary, UnsavedGuard } from '../../kit/form.tsx'
import { Page } from '../../kit/page.tsx'
import { useText } from '../../text/text.ts'
import { ApiCall } from './api-call.tsx'
import { EmailTaken } from './email-taken.tsx'
import { OrganizationField } from './organization-field.tsx'
import { refreshUser } from './user-data.ts'
import { toBody, UserFields, type UserValues, useFieldLabels } from './user-fields.tsx'

const route = getRouteApi('/app/users/new')

type Organization = ResponseOf<'GET /organizations/:id'>

/** The form for a new user. Another organization, or another user here, opens it anew. */
export function NewUser() {
  const { userForm: text } = useText()
  return (
    <Page title={text.newTitle} about={text.newAbout}>
      <Form />
    </Page>
  )
}

function Form() {
  const text = useText()
  const { userForm: words } = text
  const { org, email = '' } = route.useSearch()
  const may = useMay()
  const labels = useFieldLabels()
  const [values, setValues] = useState<UserValues>({ firstName: '', lastName: '', email, groupIds: [] })
  const [isChanged, setChanged] = useState(false)
  const organization = useQuery({
    ...read('GET /organizations/:id', { params: { id: org ?? '' } }),
    enabled: org !== undefined,
  }).data
  const body = useBody(values, organization)
  const creating = useCreate(org, body)
  const { error } = creating
  const isConflict = error instanceof ProblemError && error.problem?.code === 'email_taken'
  return (
    <form
      noValidate
      className="stack narrow"
      onSubmit={(event) => {
        event.preventDefault()
        creating.send()
      }}
    >
      {isConflict && <EmailTaken error={error} email={values.email} organization={org} />}
      {error && !isConflict && <FormSummary error={error} labels={labels} />}
      <OrganizationField organization={organization} id={org} isMissing={creating.isMissing} />
      <ResellerField organization={organization} />
      <UserFields
        values={values}
        error={error}
        organization={organization?.name}
        onChange={(now) => {
          setValues(now)
          setChanged(true)
        }}
      />
      <div className="row">
        <Button type="submit" look="main" isBusy={creating.isPending} reason={may('CreateUser')}>
          {creating.isPending ? words.creating : words.create}
        </Button>
        <LinkButton to="/users">{text.cancel}</LinkButton>
      </div>
      <ApiCall organization={organization} body={body} />
      <UnsavedGuard isUnsaved={isChanged && !creating.isSuccess} />
    </form>
  )
}

function useBody(values: UserValues, organization: Organization | undefined) {
  const { reseller } = route.useSearch()
  const isOffered = organization?.resellers.some(({ id }) => id === reseller)
  return { ...toBody(values), ...(reseller && isOffered && { reseller }) }
}

/** Sends the form. The idempotency key belongs to the content: a repeated call writes nothing twice. */
function useCreate(org: string | undefined, body: ReturnType<typeof useBody>) {
  const navigate = useNavigate()
  const queries = useQueryClient()
  const [isMissing, setMissing] = useState(false)
  const [keys] = useState(() => new Map<string, string>())
  const { mutate, ...creating } = useMutation({
    mutationFn: (id: string) => {
      const content = JSON.stringify([id, body])
      const idempotencyKey = keys.get(content) ?? crypto.randomUUID()
      keys.set(content, idempotencyKey)
      return call('POST /organizations/:id/users', { params: { id }, body }, { idempotencyKey })
    },
    onSuccess({ id, created, restored }) {
      refreshUser(queries, id)
      navigate({
        to: '/users/$id',
        params: { id },
        search: { done: created ? 'created' : restored ? 'restored' : 'there' },
        ignoreBlocker: true,
      })
    },
  })
  const send = () => {
    setMissing(org === undefined)
    if (org !== undefined) mutate(org)
  }
  return { ...creating, send, isMissing: isMissing && org === undefined }
}

/** The reseller in whose context the user is, if the customer has several. */
function ResellerField({ organization }: { organization: Organization | undefined }) {
  const { userForm: text } = useText()
  const { reseller = '' } = route.useSearch()
  const navigate = useNavigate({ from: '/users/new' })
  const resellers = organization?.resellers ?? []
  if (resellers.length < 2) return null
  return (
    <Select
      label={text.reseller}
      name="reseller"
      value={reseller}
      choices={[
        { value: '', label: text.noReseller },
        ...resellers.map(({ id, name }) => ({ value: id, label: name })),
      ]}
      onChange={(id) =>
        navigate({
          search: ({ reseller: _, ...now }) => ({ ...now, ...(id && { reseller: id }) }),
          replace: true,
        })
      }
    />
  )
}
