import type { ResponseOf } from '../../api/call.ts'
import { Status } from '../../kit/status.tsx'
import { useText } from '../../text/text.ts'

export type Organization = ResponseOf<'GET /organizations/:id'>

const LOOKS = { active: 'good', suspended: 'off', deleted: 'none' } as const

/** The state of an organization. */
export function OrganizationStatus({ state }: { state: Organization['state'] }) {
  const { organizations } = useText()
  return <Status look={LOOKS[state]}>{organizations.states[state]}</Status>
}
