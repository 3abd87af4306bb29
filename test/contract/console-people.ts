import { type ConsoleClient, enterByLink } from './console-client.ts'
import type { Target } from './target.ts'

/** The roles of people in the console. */
export const ROLES = [
  'provider administrator',
  'provider viewer',
  'reseller administrator',
  'reseller viewer',
] as const
export type Role = (typeof ROLES)[number]

/** A signed-in person. */
export interface SignedIn extends ConsoleClient {
  readonly id: string
}

/**
 * Makes a person of an organization who is signed in.
 * @param as a signed-in administrator of the provider
 */
export async function addPerson(
  { url, init }: Pick<Target, 'url' | 'init'>,
  as: ConsoleClient,
  { organization, group, email }: { organization: string; group: 'Administrator' | 'Viewer'; email: string },
): Promise<SignedIn> {
  const body = { firstName: group, lastName: 'Okonkwo', email, groupIds: [init.groups[group]] }
  const { id } = await as.call<{ id: string }>('POST', `/organizations/${organization}/users`, body)
  const { link } = await as.call<{ link: string }>('POST', `/people/${id}/link`)
  return { id, ...(await enterByLink(url, link)) }
}

/** Makes a person of each role. */
export async function addPeople(
  target: Pick<Target, 'url' | 'init'>,
  as: ConsoleClient,
): Promise<Readonly<Record<Role, SignedIn>>> {
  const { provider, reseller } = target.init
  const people: Partial<Record<Role, SignedIn>> = {}
  for (const role of ROLES) {
    const [kind, permission] = role.split(' ')
    const organization = kind === 'provider' ? provider.id : reseller.id
    const group = permission === 'viewer' ? 'Viewer' : 'Administrator'
    people[role] = await addPerson(target, as, {
      ...{ organization, group, email: `${role.replace(' ', '.')}@people.example` },
    })
  }
  return people as Record<Role, SignedIn>
}
