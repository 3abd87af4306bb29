import type { Context } from '../model/context.ts'
import type { Group } from '../model/users.ts'
import type { Tx } from '../store/port.ts'
import { selectGroups } from '../store/tables/groups.ts'
import type { Directory } from './directory.ts'
import { runRead } from './unit.ts'

/** The groups of the caller's provider, by name. */
export function listGroups(dir: Directory, ctx: Context): Promise<readonly Group[]> {
  return runRead(dir, ctx, 'ListGroups', ({ tx }) => getGroups(dir, tx, ctx))
}

/** The same inside a unit. They are made with the provider and never change, so they are asked for once. */
export async function getGroups(dir: Directory, tx: Tx, ctx: Context): Promise<readonly Group[]> {
  const { providerPk } = ctx.organization
  let groups = dir.groups.get(providerPk)
  if (!groups) {
    groups = await selectGroups(tx, providerPk)
    dir.groups.set(providerPk, groups)
  }
  return groups
}
