import { GROUP_NAMES, type Group, type GroupName } from '../model/users.ts'

/** What a group lets its members do in their organization. */
export interface GroupMeaning {
  /** What a member may do: `administrator` manages, `viewer` reads; null for a group that adds no such permission. */
  readonly permission: 'administrator' | 'viewer' | null
  /** Whether members get alerts about consumption, in addition to what their other groups let them do. */
  readonly alerts: boolean
}

/** The meaning of the groups that each provider has. Groups of one organization give no permission. */
export const GROUP_MEANINGS: Readonly<Record<GroupName, GroupMeaning>> = {
  Administrator: { permission: 'administrator', alerts: false },
  Viewer: { permission: 'viewer', alerts: false },
  'Alert Manager': { permission: null, alerts: true },
}

const VERBS = { administrator: 'manages', viewer: 'reads' } as const

/** Says in one sentence what each group means, for the documents of the APIs. */
export function describeGroups(): string {
  const meanings = Object.entries(GROUP_MEANINGS).map(([name, { permission, alerts }]) => {
    const verbs = [...(permission ? [VERBS[permission]] : []), ...(alerts ? ['adds alerts'] : [])]
    return `${name} ${verbs.join(' and ')}`
  })
  return `In their organization, a member of ${meanings.join(', a member of ')}.`
}

/**
 * Returns what a person may do who is in these groups: the most that one of them gives; null for nothing.
 * @param groups groups of the provider; groups of an organization must be left out
 */
export function getPermission(groups: readonly Pick<Group, 'name'>[]): GroupMeaning['permission'] {
  const given = GROUP_NAMES.filter((name) => groups.some((group) => group.name === name))
  const permissions = given.map((name) => GROUP_MEANINGS[name].permission)
  return permissions.find((one) => one === 'administrator') ?? permissions.find((one) => one !== null) ?? null
}
