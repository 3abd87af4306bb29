import type { AccountWord } from '../../../src/model/user-lists.ts'
import { readId } from '../../api/addresses.ts'

/** What the address of the list of users can say. */
export interface UsersSearch {
  readonly q?: string
  readonly org?: string
  readonly reseller?: string
  readonly group?: string
  /** States of the account. */
  readonly state?: readonly AccountWord[]
  readonly deleted?: true
}

/** The states of an account, in the order of the choice. */
export const STATES: readonly AccountWord[] = ['applied', 'waiting', 'failing', 'parked', 'suspended', 'none']

/** Reads the address of the list of users. Unknown and wrong values are left out. */
export function readUsersSearch(search: Record<string, unknown>): UsersSearch {
  const { q, deleted } = search
  const asked = Array.isArray(search.state) ? search.state : [search.state]
  const state = STATES.filter((one) => asked.includes(one))
  return {
    ...(q !== undefined && q !== '' && { q: String(q) }),
    ...readIds(search, ['org', 'reseller', 'group']),
    ...(state.length > 0 && { state }),
    ...(deleted === true && { deleted }),
  }
}

function readIds<Name extends string>(search: Record<string, unknown>, names: readonly Name[]) {
  const ids = names.map((name) => [name, readId(search[name])]).filter(([, id]) => id !== undefined)
  return Object.fromEntries(ids) as { [N in Name]?: string }
}

/** What the address of a new user can say: where the user is to be. */
export interface NewUserSearch {
  readonly org?: string
  readonly reseller?: string
}

/** Reads the address of a new user. */
export function readNewUserSearch(search: Record<string, unknown>): NewUserSearch {
  return readIds(search, ['org', 'reseller'])
}
