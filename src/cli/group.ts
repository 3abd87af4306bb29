import type { Command } from 'commander'
import type { Directory } from '../directory/directory.ts'
import { listGroups } from '../directory/groups.ts'
import type { Context } from '../model/context.ts'
import { foldId } from '../model/ids.ts'
import { foldCase } from '../model/text.ts'
import { action, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { formatTable } from './table.ts'

/** `usher group`: the permission groups of the provider. */
export function defineGroup(group: Command, session: Session): void {
  group
    .command('list')
    .description('List the permission groups, ordered by name')
    .action(action(session, () => list(session)))
}

function list(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const json = (await listGroups(dir, ctx)).map(({ id, name }) => ({ id, name }))
    return {
      json,
      lines: formatTable(
        ['ID', 'NAME'],
        json.map(({ id, name }) => [id, name]),
      ),
    }
  })
}

/**
 * Finds groups by their name or id.
 * @throws {UsageError} if a group does not exist; the message lists the groups
 */
export async function findGroupIds(
  dir: Directory,
  ctx: Context,
  texts: readonly string[],
): Promise<string[]> {
  const groups = await listGroups(dir, ctx)
  return texts.map((text) => {
    const group = groups.find((one) => one.id === foldId(text) || foldCase(one.name) === foldCase(text))
    if (group) return group.id
    const names = groups.map((one) => one.name).join(', ')
    throw new UsageError(`there is no group '${text}'; the groups are ${names}`)
  })
}
