import type { AccountWord } from '../../../src/model/user-lists.ts'

/** The list of users, and what pages about users share. */
export const users = {
  title: 'Users',
  about: 'Search reaches everyone within your reach, on the server.',
  search: 'Search by names or e-mail address',
  new: 'New user',
  columns: {
    user: 'User',
    organization: 'Organization',
    reseller: 'Reseller',
    groups: 'Groups',
    account: 'Storage account',
    changed: 'Changed',
  },
  deleted: 'Deleted',
  deletedChoices: { no: 'no', yes: 'only deleted' },
  state: 'State',
  count: (count: number, hasMore: boolean) =>
    `${count}${hasMore ? '+' : ''} ${count === 1 && !hasMore ? 'user' : 'users'}`,
  noMatch: 'No user matches.',
  noMatchText: (asked: string) => `There is no user for “${asked}” within your reach.`,
  anyOne: 'any',
  group: 'Group',
  searchDeleted: 'Look among the deleted users',
  clearFilter: (label: string) => `Clear the filter ${label}`,
  clearSearch: 'Clear the search and the filters',
  withoutName: 'without a name',
  accountWords: {
    none: 'No account',
    applied: 'On the platform',
    suspended: 'Suspended',
    waiting: 'Waiting',
    failing: 'Failing',
    parked: 'Parked',
  } satisfies Record<AccountWord, string> as Record<AccountWord, string>,
}
