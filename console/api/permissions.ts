import { useQuery } from '@tanstack/react-query'
import type { Operation } from '../../src/model/audit.ts'
import { useText } from '../text/text.ts'
import { readMe } from './queries.ts'

/**
 * Returns a function that says why the signed-in person may not run an operation; null if they may. What a role may not
 * do is shown with this reason, not hidden.
 */
export function useMay(): (operation: Operation) => string | null {
  const { data: me } = useQuery(readMe)
  const { mayNot } = useText()
  return (operation) => (me === undefined || me.permitted.includes(operation) ? null : mayNot(me.permission))
}
