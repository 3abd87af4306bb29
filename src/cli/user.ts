import type { Command } from 'commander'
import { createUser } from '../directory/users.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { defineErasure } from './erasure.ts'
import { findGroupIds } from './group.ts'
import { defineReceipt } from './receipt.ts'
import { defineTimeline } from './timeline.ts'
import { defineSingleUser } from './user-changes.ts'
import { defineUserFiles } from './user-files.ts'
import { defineUserList } from './user-list.ts'

/** `usher user`: the users of all organizations. */
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
  defineUserList(user, session)
  defineSingleUser(user, session)
  defineUserFiles(user, session)
  defineErasure(user, session)
  defineTimeline(user, session)
  defineReceipt(user, session)
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
