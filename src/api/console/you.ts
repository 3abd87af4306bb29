import type { Static } from 'typebox'
import type { OpenIdProvider } from '../../auth/oidc.ts'
import { enterByLink } from '../../auth/sign-in-links.ts'
import type { Directory } from '../../directory/directory.ts'
import { getMe } from '../../directory/me.ts'
import { endSession, listSessions, signOut } from '../../directory/sessions.ts'
import { switchPerson } from '../../directory/sign-in.ts'
import type { Context } from '../../model/context.ts'
import type { Organization } from '../../model/organizations.ts'
import { idleEndOf, MAX_SESSIONS, type Session } from '../../model/sessions.ts'
import type { Route } from '../route.ts'
import type { ListedSession } from './contract/sessions.ts'
import * as you from './contract/you.ts'
import { clearSession, readCookie, setSession } from './cookies.ts'
import { serve, serveOpen, WithHeaders } from './operation.ts'
import { type Place, toSignInRequest } from './place.ts'

/** What the operations about the signed-in person need. */
export interface YouParts {
  readonly dir: Directory
  /** Null if people enter by links alone. */
  readonly openId: OpenIdProvider | null
  readonly getPlace: () => Place
  readonly version: string
}

/** The operations about the signed-in person, and those by which they sign in and out. */
export const youRoutes: readonly Route<YouParts>[] = [
  serve(you.getMe, async ({ ctx }, { dir, version }: YouParts) => {
    const { person, session, permitted, others } = await getMe(dir, ctx)
    const { user, organization, groups, permission } = person
    return {
      user: { id: user.id, firstName: user.firstName, lastName: user.lastName, email: user.email },
      organization: toOrganizationRef(organization),
      permission,
      groups: groups.map(({ id, name }) => ({ id, name })),
      permitted: [...permitted],
      session: toView(session),
      others: others.map((one) => ({
        userId: one.user.id,
        organization: toOrganizationRef(one.organization),
      })),
      version,
    }
  }),
  serveOpen(you.getSignIn, (_, { openId }: YouParts) => ({ issuer: openId && { name: openId.name } })),
  serveOpen(you.enter, async ({ request, body }, { dir, getPlace }: YouParts) => {
    const { token: link, ...entered } = body
    const place = getPlace()
    const former = readCookie(place, 'session', request.headers.cookie)
    const { token, userId } = await enterByLink(dir, { ...toSignInRequest(request, former), link, entered })
    return new WithHeaders({ userId }, { 'set-cookie': setSession(place, token) })
  }),
  serve(you.switchOrganization, async ({ ctx, body }, { dir, getPlace }: YouParts) => {
    const { token, userId } = await switchPerson(dir, ctx, body.userId)
    return new WithHeaders({ userId }, { 'set-cookie': setSession(getPlace(), token) })
  }),
  serve(you.signOut, async ({ ctx }, { dir, openId, getPlace }: YouParts) => {
    const place = getPlace()
    const { method } = await signOut(dir, ctx)
    const issuerSignOutUrl = (method === 'oidc' && openId?.findSignOutUrl(`${place.url}/console`)) || null
    return new WithHeaders({ issuerSignOutUrl }, { 'set-cookie': clearSession(place) })
  }),
  serve(you.listSessions, async ({ ctx }, { dir }: YouParts) => {
    const sessions = await listSessions(dir, ctx, { limit: MAX_SESSIONS })
    return { items: sessions.map((session) => toListedSession(ctx, session)), next: null }
  }),
  serve(you.endSession, async ({ ctx, params }, { dir }: YouParts) => {
    await endSession(dir, ctx, params.id)
    return null
  }),
]

/** Converts a session to that of the contract's lists. */
export function toListedSession({ caller }: Context, session: Session): Static<typeof ListedSession> {
  const { address, agent, id } = session
  const current = caller.kind === 'person' && caller.session === id
  return { ...toView(session), address, agent, current }
}

/** Returns what names an organization on the screen. */
function toOrganizationRef({ id, name, kind }: Organization): Pick<Organization, 'id' | 'name' | 'kind'> {
  return { id, name, kind }
}

function toView(session: Session): Static<typeof you.getMe.response>['session'] {
  const { id, method, createdAt, seenAt, expiresAt } = session
  return { id, method, createdAt, seenAt, expiresAt, idleUntil: idleEndOf(session) }
}
