import type { TimelineKind } from '../../../src/model/timelines.ts'
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

/** What a timeline can be restricted to, in the order of the choice. */
export const KINDS: readonly TimelineKind[] = ['changes', 'platform', 'refusals', 'reads']

/** What the address of a user's page can say. */
export interface UserSearch {
  /** What the timeline shows, with commas between several. */
  readonly show?: string
  /** What the form that led here has done: created, was there already, or brought back. */
  readonly done?: 'created' | 'there' | 'restored'
}

/** Reads the address of a user's page. */
export function readUserSearch({ show, done }: Record<string, unknown>): UserSearch {
  const kinds = KINDS.filter((kind) => String(show).split(',').includes(kind))
  const did = (['created', 'there', 'restored'] as const).find((one) => one === done)
  return { ...(kinds.length > 0 && { show: kinds.join(',') }), ...(did && { done: did }) }
}

/** What the address of the form for a new user can say. */
export interface NewUserSearch {
  readonly org?: string
  readonly reseller?: string
  readonly email?: string
}

/** Reads the address of the form for a new user. */
export function readNewUserSearch(search: Record<string, unknown>): NewUserSearch {
  const { email } = search
  return { ...readIds(search, ['org', 'reseller']), ...(typeof email === 'string' && email && { email }) }
}
