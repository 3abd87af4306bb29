import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/call.ts'
import { ProblemError } from '../../api/problems.ts'
import { read } from '../../api/queries.ts'
import { Button, LinkButton } from '../../kit/button.tsx'
import { FormSummary, UnsavedGuard } from '../../kit/form.tsx'
import { Page } from '../../kit/page.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { showToast } from '../../kit/toast.tsx'
import { useText } from '../../text/text.ts'
import { ChangedMeanwhile } from './changed-meanwhile.tsx'
import { Missing } from './missing.tsx'
import { nameOf, Place } from './names.tsx'
import { useReasons } from './reasons.ts'
import { refreshUser, type UserView } from './user-data.ts'
import { toBody, UserFields, type UserValues, useFieldLabels } from './user-fields.tsx'

const route = getRouteApi('/app/users/$id/edit')

/** The form that changes a user. */
export function EditUser() {
  const { id } = route.useParams()
  const text = useText()
  // The form keeps what it was opened with, so that it can tell what the person has changed.
  const { data, error, refetch } = useQuery({
    ...read('GET /users/:id', { params: { id } }),
    refetchOnWindowFocus: false,
  })
  if (!data)
    return (
      <Page title={error ? text.user.title : text.loading}>
        {error ? <Missing error={error} onRetry={refetch} /> : <Skeleton />}
      </Page>
    )
  return (
    <Page title={text.userForm.editTitle(nameOf(data, text))} about={<Place user={data} />}>
      <Form key={id} opened={data} />
    </Page>
  )
}

/** Returns what the form holds of a user. */
function toValues({
  firstName,
  lastName,
  email,
  groups,
}: Pick<UserView, 'firstName' | 'lastName' | 'email' | 'groups'>): UserValues {
  return {
    ...{ firstName: firstName ?? '', lastName: lastName ?? '', email: email ?? '' },
    groupIds: groups.map(({ id }) => id),
  }
}

/** Returns the members that differ: the others stay as another person may have changed them. */
function findChanges(from: UserValues, to: UserValues) {
  const before: Readonly<Record<string, unknown>> = toBody(from)
  const changed = Object.entries(toBody(to)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  )
  return Object.fromEntries(changed) as Partial<ReturnType<typeof toBody>>
}

function Form({ opened }: { opened: UserView }) {
  const text = useText()
  const { userForm: words } = text
  const labels = useFieldLabels()
  const reasonOf = useReasons(opened)
  const [base] = useState(opened)
  const [values, setValues] = useState(() => toValues(base))
  const changes = findChanges(toValues(base), values)
  const isChanged = Object.keys(changes).length > 0
  const saving = useSave(base.id, changes)
  const { error } = saving
  const isOld = error instanceof ProblemError && error.status === 412
  return (
    <form
      noValidate
      className="stack narrow"
      onSubmit={(event) => {
        event.preventDefault()
        saving.mutate(base.etag)
      }}
    >
      {error && !isOld && <FormSummary error={error} labels={labels} />}
      {isOld && (
        <ChangedMeanwhile
          userId={base.id}
          changes={changes}
          isBusy={saving.isPending}
          onApply={saving.mutate}
        />
      )}
      <UserFields values={values} error={error} organization={base.organization.name} onChange={setValues} />
      <div className="row">
        <Button type="submit" look="main" isBusy={saving.isPending} reason={reasonOf('update')}>
          {saving.isPending ? words.saving : words.saveUser}
        </Button>
        <LinkButton to="/users/$id" params={{ id: base.id }} search={{}}>
          {text.cancel}
        </LinkButton>
      </div>
      <UnsavedGuard isUnsaved={isChanged && !saving.isSuccess} />
    </form>
  )
}

/** Saves the changes on top of a state of the user. */
function useSave(id: string, changes: ReturnType<typeof findChanges>) {
  const { userForm: text } = useText()
  const navigate = useNavigate()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (ifMatch: string) => call('PATCH /users/:id', { params: { id }, body: changes }, { ifMatch }),
    async onSuccess() {
      await refreshUser(queries, id)
      showToast({ text: text.saved })
      navigate({ to: '/users/$id', params: { id }, search: {}, ignoreBlocker: true })
    },
  })
}
