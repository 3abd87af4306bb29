import type { AccountWord } from '../../../src/model/user-lists.ts'

/** What the address of the list of users can say. */
export interface UsersSearch {
  readonly q?: string
  readonly org?: string
  readonly reseller?: string
  readonly group?: string
  readonly state?: AccountWord
  readonly deleted?: true
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The states of an account, in the order of the choice. */
export const STATES: readonly AccountWord[] = ['applied', 'waiting', 'failing', 'parked', 'suspended', 'none']

/** Reads the address of the list of users. Unknown and wrong values are left out. */
export function readUsersSearch(search: Record<string, unknown>): UsersSearch {
  const { q, deleted } = search
  const state = STATES.find((one) => one === search.state)
  return {
    ...(q !== undefined && q !== '' && { q: String(q) }),
    ...readIds(search, ['org', 'reseller', 'group']),
    ...(state && { state }),
    ...(deleted === true && { deleted }),
  }
}

function readIds<Name extends string>(search: Record<string, unknown>, names: readonly Name[]) {
  const ids = names.filter((name) => UUID.test(String(search[name]))).map((name) => [name, search[name]])
  return Object.fromEntries(ids) as { [N in Name]?: string }
}
