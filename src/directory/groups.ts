import type { Context } from '../model/clients.ts'
import type { Group } from '../model/users.ts'
import { listGroups as selectGroups } from '../store/groups.ts'
import type { Directory } from './directory.ts'
import { read } from './unit.ts'

/** The groups of the caller's provider, by name. */
export function listGroups(dir: Directory, ctx: Context): Promise<Group[]> {
  return read(dir, (tx) => selectGroups(tx, ctx.organization.providerPk))
}
