import type { UserAction } from '../../../src/model/actions.ts'
import { useMay } from '../../api/permissions.ts'
import { useText } from '../../text/text.ts'
import type { UserView } from './user-data.ts'

/** Returns a function that says why something cannot be done with a user now; null if it can. */
export function useReasons({ actions }: UserView): (action: UserAction) => string | null {
  const may = useMay()
  const { user } = useText()
  return (action) => {
    const found = actions.find((one) => one.action === action)
    if (!found || found.permitted || found.reason === null) return null
    const role = found.reason === 'not_permitted' ? may(found.operation as Parameters<typeof may>[0]) : null
    return role ?? user.actionReasons[found.reason]
  }
}
