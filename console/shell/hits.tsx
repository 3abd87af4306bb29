import type { ResponseOf } from '../api/call.ts'
import type { Text } from '../text/text.ts'

/** Something that Find found. */
export type Hit = ResponseOf<'GET /find'>['hits'][number]

/** Returns the path of the page about a hit; null if there is none. */
export function toPath({ kind, id, userId, organization }: Hit): string | null {
  if (kind === 'user') return `/users/${id}`
  if (kind === 'organization') return `/organizations/${id}`
  if (kind === 'request') return `/audit/${id}`
  if (userId !== null) return `/users/${userId}`
  if (organization === null) return null
  return kind === 'tenant' ? `/organizations/${organization.id}/tenant` : `/organizations/${organization.id}`
}

/** Returns what stands in the line of a hit: what people call it, else its id. */
export function toLabel({ name, email, id }: Hit): string {
  return name ?? email ?? id
}

/** Returns the rest of the line: address, organization, state, and what of it the text is. */
export function toDetail(hit: Hit, { finder }: Text): string {
  const { kind, email, name, organization, state, match } = hit
  return [
    name !== null && email,
    kind !== 'organization' && organization?.name,
    state !== 'active' && finder.states[state],
    match !== 'words' && finder.matches[match],
  ]
    .filter(Boolean)
    .join(' · ')
}
