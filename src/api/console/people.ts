import type { Directory } from '../../directory/directory.ts'
import { listPeople, listSessionsOf, type PeoplePlace, type PersonRow } from '../../directory/people-lists.ts'
import { endSessionsOf } from '../../directory/sessions.ts'
import { createSignInLink, deleteSignInLinks } from '../../directory/sign-in-links.ts'
import { toLink } from '../../model/hosts.ts'
import type { Route } from '../route.ts'
import * as people from './contract/people.ts'
import { serve } from './operation.ts'
import { type Position, readPage, toNext } from './paging.ts'
import type { Place } from './place.ts'
import { toListedSession } from './you.ts'

/** What the operations about other people need. */
export interface PeopleParts {
  readonly dir: Directory
  readonly getPlace: () => Place
}

/** The operations about the people who enter the console. */
export const peopleRoutes: readonly Route<PeopleParts>[] = [
  serve(people.listPeople, async ({ ctx, query }, { dir }: PeopleParts) => {
    const { organization, ...page } = query
    const filters = { people: [ctx.organization.id, organization] }
    const { after, limit } = readPage(page, filters, ['number', 'text', 'number', 'text', 'text'])
    const found = await listPeople(dir, ctx, {
      ...{ organizationId: organization, after: after && toPlace(after), limit },
    })
    const shown = found.slice(0, limit)
    const last = found.length > limit ? shown.at(-1)?.place : undefined
    return { items: shown.map(toPerson), next: toNext(last && fromPlace(last), filters) }
  }),
  serve(people.listSessionsOf, async ({ ctx, params }, { dir }: PeopleParts) => {
    const sessions = await listSessionsOf(dir, ctx, params.id)
    return { items: sessions.map((session) => toListedSession(ctx, session)), next: null }
  }),
  serve(people.deleteLinks, async ({ ctx, params }, { dir }: PeopleParts) => {
    return { voided: await deleteSignInLinks(dir, ctx, { user: params.id }) }
  }),
  serve(people.createLink, async ({ ctx, params }, { dir, getPlace }: PeopleParts) => {
    const { token, expiresAt } = await createSignInLink(dir, ctx, { user: params.id })
    return { link: toLink(getPlace().url, token), expiresAt }
  }),
  serve(people.endSessionsOf, async ({ ctx, params }, { dir }: PeopleParts) => {
    return { ended: await endSessionsOf(dir, ctx, { user: params.id }) }
  }),
]

function toPlace([isOfReseller, ownerKey, ownerPk, nameKey, id]: Position): PeoplePlace {
  return {
    isOfReseller: isOfReseller === 1,
    ...{ ownerKey: String(ownerKey), ownerPk: Number(ownerPk), nameKey: String(nameKey), id: String(id) },
  }
}

function fromPlace({ isOfReseller, ownerKey, ownerPk, nameKey, id }: PeoplePlace): Position {
  return [Number(isOfReseller), ownerKey, ownerPk, nameKey, id]
}

function toPerson({ user, organization, permission, groups, issuers, ...access }: PersonRow) {
  const { id, firstName, lastName, email, active } = user
  const { linkUntil, sessions, seenAt } = access
  return {
    ...{ id, firstName, lastName, email, organization, permission, active, issuers },
    groups: groups.map((group) => ({ id: group.id, name: group.name })),
    ...{ linkUntil, sessions, seenAt },
  }
}
