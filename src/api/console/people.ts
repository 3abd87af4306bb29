import type { Directory } from '../../directory/directory.ts'
import { endSessionsOf } from '../../directory/sessions.ts'
import { createSignInLink } from '../../directory/sign-in-links.ts'
import { toLink } from '../../model/hosts.ts'
import type { Route } from '../route.ts'
import * as people from './contract/people.ts'
import { serve } from './operation.ts'
import type { Place } from './place.ts'

/** What the operations about other people need. */
export interface PeopleParts {
  readonly dir: Directory
  readonly getPlace: () => Place
}

/** The operations about the people who enter the console. */
export const peopleRoutes: readonly Route<PeopleParts>[] = [
  serve(people.createLink, async ({ ctx, params }, { dir, getPlace }: PeopleParts) => {
    const { token, expiresAt } = await createSignInLink(dir, ctx, { user: params.id })
    return { link: toLink(getPlace().url, token), expiresAt }
  }),
  serve(people.endSessionsOf, async ({ ctx, params }, { dir }: PeopleParts) => {
    return { ended: await endSessionsOf(dir, ctx, { user: params.id }) }
  }),
]
