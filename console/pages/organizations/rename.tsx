import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/call.ts'
import { useMay } from '../../api/permissions.ts'
import { ProblemError } from '../../api/problems.ts'
import { read } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Field } from '../../kit/field.tsx'
import { FormSummary, useFieldErrors } from '../../kit/form.tsx'
import { Message } from '../../kit/message.tsx'
import { Modal } from '../../kit/modal.tsx'
import { showToast } from '../../kit/toast.tsx'
import { useText } from '../../text/text.ts'
import type { Organization } from './names.tsx'

/** The button that renames a customer, and its dialog. */
export function Rename({ organization }: { organization: Organization }) {
  const { organizations: text } = useText()
  const [opened, setOpened] = useState<Organization | null>(null)
  const may = useMay()
  if (organization.kind !== 'customer') return null
  return (
    <>
      <Button aria-keyshortcuts="e" reason={may('UpdateCustomer')} onClick={() => setOpened(organization)}>
        {text.rename}
      </Button>
      {opened && <RenameDialog opened={opened} onClose={() => setOpened(null)} />}
    </>
  )
}

/** @param opened the customer as it was when the dialog opened */
function RenameDialog({ opened, onClose }: { opened: Organization; onClose: () => void }) {
  const { organizations: text, cancel } = useText()
  const [name, setName] = useState(opened.name)
  const queries = useQueryClient()
  const request = { params: { id: opened.id } }
  const renaming = useMutation({
    mutationFn: (ifMatch: string) =>
      call('PATCH /organizations/:id', { ...request, body: { name } }, { ifMatch }),
    async onSuccess() {
      await queries.invalidateQueries()
      showToast({ text: text.renamed })
      onClose()
    },
    onError: (error) => isStale(error) && queries.invalidateQueries({ queryKey: ['GET /organizations/:id'] }),
  })
  const { error, isPending } = renaming
  const now = queries.getQueryData(read('GET /organizations/:id', request).queryKey) ?? opened
  const errorsOf = useFieldErrors(error, ['name'])
  return (
    <Modal title={text.renameTitle(opened.name)} onClose={isPending ? undefined : onClose}>
      <form
        noValidate
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          // A person who sees the other name can put theirs in its place.
          if (!isPending) renaming.mutate(isStale(error) ? now.etag : opened.etag)
        }}
      >
        {isStale(error) && (
          <Message kind="warn" takesFocus title={text.renamedMeanwhile(now.name)}>
            {text.renamedMeanwhileText}
          </Message>
        )}
        {error && !isStale(error) && <FormSummary error={error} labels={{ name: text.columns.name }} />}
        <Field
          label={text.columns.name}
          name="name"
          autoComplete="off"
          value={name}
          errors={errorsOf('name')}
          onChange={({ target }) => setName(target.value)}
        />
        <div className="row">
          <Button type="submit" look="main" isBusy={isPending}>
            {isStale(error) ? text.renameAnyway : text.renameVerb}
          </Button>
          <Button onClick={onClose}>{cancel}</Button>
        </div>
      </form>
    </Modal>
  )
}

function isStale(error: unknown): boolean {
  return error instanceof ProblemError && error.status === 412
}
