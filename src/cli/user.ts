import type { Command } from 'commander'
import { listUsers } from '../directory/user-lists.ts'
import { createUser } from '../directory/users.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { findGroupIds } from './group.ts'
import { LIMIT } from './options.ts'
import { cutPage, describeMore, quoteWord } from './pages.ts'
import { formatTable } from './table.ts'
import { defineSingleUser } from './user-changes.ts'

/** `usher user`: the users of an organization. */
export function defineUser(user: Command, session: Session): void {
  user
    .command('add')
    .description('Add a user to an organization')
    .requiredOption('--organization <id>', 'Id of the organization that the user belongs to')
    .requiredOption('--email <address>', 'E-mail address, unique in the organization')
    .option('--first-name <name>', 'First name')
    .option('--last-name <name>', 'Last name')
    .option('--group <group...>', "Names or ids of permission groups, for example 'Alert Manager'")
    .action(action(session, (options: AddOptions) => add(session, options)))
  user
    .command('list')
    .description('List the users of an organization, ordered by e-mail address')
    .requiredOption('--organization <id>', 'Id of the organization that the users belong to')
    .option('--after <address>', 'Next page: list only e-mail addresses after this one')
    .option(...LIMIT, 1_000)
    .action(action(session, (options: ListOptions) => list(session, options)))
  defineSingleUser(user, session)
}

interface AddOptions {
  readonly organization: string
  readonly email: string
  readonly firstName?: string
  readonly lastName?: string
  readonly group?: readonly string[]
}

function add(session: Session, options: AddOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { id, created } = await createUser(dir, ctx, {
      organizationId: options.organization,
      user: {
        firstName: options.firstName ?? null,
        lastName: options.lastName ?? null,
        email: options.email,
        groupIds: await findGroupIds(dir, ctx, options.group ?? []),
      },
    })
    return { json: { id, created }, lines: [id] }
  })
}

interface ListOptions {
  readonly organization: string
  readonly after?: string
  readonly limit: number
}

function list(session: Session, options: ListOptions): Promise<Output> {
  const { organization: organizationId, after, limit } = options
  return withDirectory(session, async ({ dir, ctx }) => {
    const found = await listUsers(dir, ctx, { organizationId, after, limit: limit + 1 })
    const { items: users, more } = cutPage(found, limit)
    const json = users.map(({ id, firstName, lastName, email, groups, createdAt }) => ({
      id,
      firstName,
      lastName,
      email,
      groups: groups.map((group) => group.name),
      createdAt,
    }))
    const rows = json.map((one) => [one.id, one.email, one.firstName, one.lastName, one.groups.join(', ')])
    const lines = formatTable(['ID', 'EMAIL', 'FIRST NAME', 'LAST NAME', 'GROUPS'], rows)
    const last = users.at(-1)?.email
    return { json, lines, note: more ? describeMore(limit, last && `--after ${quoteWord(last)}`) : undefined }
  })
}
