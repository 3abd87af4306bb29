import { useQuery } from '@tanstack/react-query'
import { read } from '../../api/queries.ts'
import { useText } from '../../text/text.ts'

const KEPT_MS = 60_000

/** The groups that a user can be in; each with what it lets them do in an organization. */
export function useGroups(organization: string) {
  const {
    userForm: { groupMeanings: meanings },
  } = useText()
  const { data } = useQuery({ ...read('GET /groups', {}), staleTime: KEPT_MS })
  return (data?.items ?? []).map(({ id, name, permission, alerts }) => {
    const kind = permission ?? (alerts ? 'alerts' : 'none')
    return { value: id, label: name, hint: meanings[kind](organization) }
  })
}
