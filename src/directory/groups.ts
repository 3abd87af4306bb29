import type { Context } from '../model/context.ts'
import type { Group } from '../model/users.ts'
import type { Tx } from '../store/port.ts'
import { selectGroups } from '../store/tables/groups.ts'
import type { Directory } from './directory.ts'
import type { Scope } from './reach.ts'
import { runRead } from './unit.ts'

/**
 * Lists the groups of the caller's provider, ordered by name.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listGroups(dir: Directory, ctx: Context): Promise<readonly Group[]> {
  return runRead(dir, ctx, 'ListGroups', ({ tx }) => readGroups(dir, tx, ctx.organization.providerPk))
}

/** Returns the groups that the organizations of the caller's provider share, from the cache. */
export async function getGroups(dir: Directory, { tx, ctx }: Scope): Promise<readonly Group[]> {
  const { providerPk } = ctx.organization
  return dir.groups.get(providerPk) ?? readGroups(dir, tx, providerPk)
}

/** Reads the groups of a provider from the store, and caches them. */
export async function readGroups(dir: Directory, tx: Tx, providerPk: number): Promise<readonly Group[]> {
  const groups = await selectGroups(tx, providerPk)
  dir.groups.set(providerPk, groups)
  return groups
}

/** Returns the ids of groups in one order, so that they can be compared. */
export function listGroupIds(groups: readonly Group[]): string[] {
  return groups.map(({ id }) => id).sort()
}

/** Returns whether two lists without repetitions have the same groups. */
export function areSameGroups(one: readonly Group[], other: readonly Group[]): boolean {
  return one.length === other.length && other.every((group) => one.some(({ pk }) => pk === group.pk))
}
