import type { RawBuilder, SqlBool } from 'kysely'
import type { PageRequest } from '../model/pages.ts'
import type { UserOrder } from '../model/user-lists.ts'

/** The least number of characters of a word that the index for searches finds. */
export const MIN_SEARCHED = 3

/** What the index for searches looks for. */
export interface UserSearch {
  readonly providerPk: number
  /** The `name_key` contains all of these words. Each has at least MIN_SEARCHED characters. */
  readonly words: readonly string[]
  /** Primary keys of groups: the user is in one of each list. */
  readonly groups: readonly (readonly number[])[]
}

/** The users that a call can reach. Each member that is set narrows the area. */
export interface UserArea {
  readonly providerPk: number
  /** Only users of this organization. */
  readonly organizationPk?: number | undefined
  /**
   * Only users in the context of this reseller: its own users, and those of its customers that are in its context or in
   * none.
   */
  readonly resellerPk?: number | undefined
  /** Whether the users of deleted organizations are in the area. */
  readonly ofDeleted?: boolean
}

/** Words, groups, and where to look for them. */
export interface AreaSearch {
  readonly area: UserArea
  readonly search: UserSearch
}

/** Words that a user must have in their names and e-mail, and how many such users are wanted. */
export interface UserWords {
  /** As `toSearchWords` returns them. */
  readonly words: readonly string[]
  readonly limit: number
}

/** What `findUsers` found. */
export interface FoundKeys {
  /** Primary keys, at most `limit`. */
  readonly pks: readonly number[]
  /** Whether the search ended before it had looked at all users with the words. */
  readonly more: boolean
}

/** The last user of a page, in the order of a list: the key and what decides between users with the same key. */
export interface PageEnd {
  readonly by: UserOrder['by']
  /** Null for a user without an e-mail in the order by e-mail. */
  readonly key: string | null
  readonly id: string
  readonly organizationPk: number
  readonly pk: number
}

/** A page of what a search finds. */
export interface UserSearchPage extends PageRequest {
  readonly order: UserOrder
  /** A further condition on `users`, which is checked for each user who is found. */
  readonly where?: RawBuilder<SqlBool> | undefined
  /** The last user of the page before; the page follows it, and `offset` is 0. */
  readonly after?: PageEnd | undefined
  /** The area of `where`. PostgreSQL reads the members of a small one from an index. */
  readonly area?: UserArea | undefined
  /** If the search finds up to this many users, all of them are returned in place of the page (default: 0). */
  readonly few?: number
}

/** What a search finds. */
export interface FoundUsers {
  readonly pks: readonly number[]
  /** Whether it is everything that the search finds, in no particular order, and with no further condition. */
  readonly isAll: boolean
}

/** A page of users, and how many there are. */
export interface CountedUsers {
  readonly pks: readonly number[]
  /** The exact number of users whom the search finds; undefined without words and groups, when totals have it. */
  readonly total: number | undefined
}
