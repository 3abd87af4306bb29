import type { UserIndex } from '../port.ts'
import { areListsBehind, enlistUsers, forgetUser } from './enlist-users.ts'
import { findUsers } from './user-find.ts'
import { searchPage, searchUsers } from './user-search.ts'

/** The index of users on SQLite. */
export const USER_INDEX: UserIndex = {
  enlistUsers,
  areListsBehind,
  forgetUser,
  searchUsers,
  findUsers,
  searchPage,
  searchArea: async () => undefined,
}
