import type { Command } from 'commander'
import { listChangedUsers } from '../directory/changed-users.ts'
import { listUsers } from '../directory/user-lists.ts'
import { type ListedUser, USER_SORTS } from '../model/user-lists.ts'
import { action, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { LIMIT, newChoice, parseNumber, parseTime } from './options.ts'
import { describeMore, quoteWord } from './pages.ts'
import { formatTable } from './table.ts'

/** How many users are read at once. */
const READ = 1_000

/** `usher user list`: users of all organizations, or of one; or those that have changed. */
export function defineUserList(user: Command, session: Session): void {
  user
    .command('list')
    .description('List users, or those that have changed since a time, deleted ones included')
    .option('--organization <id>', 'Only users of this organization')
    .option('--reseller <id>', 'Only users in the context of this reseller')
    .option('--search <text>', 'Only users with all of these words in their names or e-mail address')
    .option('--group <group...>', 'Only users in one of these permission groups; names or ids')
    .option('--deleted', 'List deleted users instead of the others')
    .addOption(newChoice('--sort <property>', 'Order of the list', USER_SORTS).default('name'))
    .option('--descending', 'Reverse the order')
    .option('--page <number>', 'Number of the page, each with --limit entries', parseNumber, 1)
    .option(
      '--changed-since <time>',
      'List users who have changed since this time; takes --reseller and --limit',
      parseTime,
    )
    .option('--continue <token>', 'Continue a list of changes, with the token that it printed')
    .option(...LIMIT, 1_000)
    .action(action(session, (options: ListOptions) => list(session, options)))
}

interface ListOptions {
  readonly organization?: string
  readonly reseller?: string
  readonly search?: string
  readonly group?: readonly string[]
  readonly deleted?: boolean
  readonly sort: (typeof USER_SORTS)[number]
  readonly descending?: boolean
  readonly page: number
  readonly changedSince?: string
  readonly continue?: string
  readonly limit: number
}

function list(session: Session, options: ListOptions): Promise<Output> {
  return options.changedSince === undefined && options.continue === undefined
    ? listPage(session, options)
    : listChanges(session, options)
}

function listPage(session: Session, options: ListOptions): Promise<Output> {
  const { organization, reseller, search, group, deleted, sort, descending, page, limit } = options
  return withDirectory(session, async ({ dir, ctx }) => {
    const first = (page - 1) * limit
    const users: ListedUser[] = []
    let more = true
    while (more && users.length < limit) {
      const found = await listUsers(dir, ctx, {
        ...(organization !== undefined && { organization: { id: organization } }),
        resellerId: reseller,
        ...{ search, groups: group, deleted },
        order: { by: sort, ascending: !descending },
        page: { offset: first + users.length, limit: Math.min(READ, limit - users.length) },
      })
      users.push(...found.items)
      more = found.more
    }
    return show(users, more ? describeMore(users.length, `--page ${page + 1}`) : undefined)
  })
}

const UNFIT = ['organization', 'search', 'group', 'deleted', 'descending'] as const

function listChanges(session: Session, options: ListOptions): Promise<Output> {
  const { changedSince: since = '', continue: token, reseller: resellerId, limit } = options
  const unfit = UNFIT.find((name) => options[name] !== undefined)
  if (unfit) throw new UsageError(`--${unfit} cannot be combined with --changed-since or --continue`)
  return withDirectory(session, async ({ dir, ctx }) => {
    const from = token === undefined ? { since } : { token }
    const found = await listChangedUsers(dir, ctx, { from, resellerId, limit })
    const when = found.more ? 'there are more changes' : 'later changes'
    return show(found.items, `${when}: usher user list --continue ${quoteWord(found.token)}`)
  })
}

function show(users: readonly ListedUser[], note: string | undefined): Output {
  const json = users.map(({ user, organization, groups, resellerId }) => ({
    id: user.id,
    firstName: user.firstName,
    lastName: user.lastName,
    email: user.email,
    groups: groups.map((group) => group.name),
    organization: { id: organization.id, kind: organization.kind },
    reseller: resellerId,
    active: user.active,
    createdAt: user.createdAt,
    updatedAt: user.updatedAt,
    deletedAt: user.deletedAt,
  }))
  const rows = json.map((one) => [
    ...[one.id, one.email, one.firstName, one.lastName, one.groups.join(', ')],
    ...[one.organization.id, toState(one)],
  ])
  const titles = ['ID', 'EMAIL', 'FIRST NAME', 'LAST NAME', 'GROUPS', 'ORGANIZATION', 'STATE']
  return { json, lines: formatTable(titles, rows), note }
}

function toState({ active, deletedAt }: { active: boolean; deletedAt: string | null }): string {
  if (deletedAt !== null) return 'deleted'
  return active ? 'active' : 'suspended'
}
