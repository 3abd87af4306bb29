import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { read } from '../api/queries.ts'
import { useText } from '../text/text.ts'
import { Button } from './button.tsx'
import { Finder } from './finder.tsx'

/** An organization as a picker shows and gives it. */
export interface PickedOrganization {
  readonly id: string
  readonly name: string
}

interface PickerProps {
  readonly label: string
  readonly chosen: PickedOrganization | null
  /** The kind of organizations to choose from; both if it is left out. */
  readonly kind?: 'reseller' | 'customer'
  readonly onChange: (organization: PickedOrganization) => void
}

const MOST = 20

/** A button that says which organization is chosen, and opens a search for another on the server. */
export function OrganizationPicker({ label, chosen, kind, onChange }: PickerProps) {
  const { finder: text, kinds } = useText()
  const [isOpen, setOpen] = useState(false)
  const [q, setQ] = useState('')
  const query = { limit: MOST, ...(q && { q }), ...(kind && { kind }) }
  const { data, error, isFetching } = useQuery({
    ...read('GET /organizations', { query }),
    enabled: isOpen,
    placeholderData: keepPreviousData,
  })
  return (
    <span className="row">
      <span>
        {label}: <strong>{chosen?.name ?? text.nothing}</strong>
      </span>
      <Button onClick={() => setOpen(true)} aria-label={`${text.choose}: ${label}`}>
        {text.choose}
      </Button>
      {isOpen && (
        <Finder
          title={label}
          placeholder={text.organization}
          hits={data?.items.length ?? 0}
          found={q}
          isLoading={isFetching}
          error={error}
          onSearch={setQ}
          onClose={() => setOpen(false)}
          findings={(data?.items ?? []).map(({ id, name, kind: its }) => ({
            ...{ key: id, label: name, group: text.groups.organization, detail: kinds[its] },
            choose: () => onChange({ id, name }),
          }))}
        />
      )}
    </span>
  )
}
