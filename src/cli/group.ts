import type { Command } from 'commander'
import { listGroups } from '../directory/groups.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
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
