import { Type } from '../../../json-schema.ts'
import { GroupRef, IdParams, nullable, OrganizationRef, oneOf, Page, uuid } from './parts.ts'
import { ListedSession, Session } from './sessions.ts'

const Person = {
  id: uuid('The id of the user.'),
  firstName: nullable('The first name.'),
  lastName: nullable('The last name.'),
  email: nullable('The e-mail address.'),
} as const

const Me = Type.Object(
  {
    user: Type.Object(Person),
    organization: OrganizationRef,
    permission: oneOf(['administrator', 'viewer'], 'What the person may do in general.'),
    groups: Type.Array(GroupRef),
    permitted: Type.Array(Type.String(), { description: 'The operations that the person may run.' }),
    session: Type.Object(Session),
    others: Type.Array(Type.Object({ userId: uuid('The id of the user.'), organization: OrganizationRef }), {
      description: 'The same person in other organizations.',
    }),
    version: Type.String({ description: 'The version of Usher.' }),
  },
  { title: 'Me' },
)

/** Who is signed in. */
export const getMe = {
  method: 'GET',
  path: '/me',
  operation: 'GetMe',
  tag: 'You',
  summary: 'The signed-in person, their session, and what they may do',
  response: Me,
} as const

/** How people can sign in. */
export const getSignIn = {
  method: 'GET',
  path: '/sign-in',
  operation: null,
  tag: 'You',
  summary: 'The sign-in service, for people who are not signed in',
  response: Type.Object({
    issuer: Type.Unsafe<{ name: string } | null>({
      anyOf: [Type.Object({ name: Type.String({ description: 'Its name.' }) }), Type.Null()],
      description: 'The configured OpenID provider; null if people enter by links alone.',
    }),
  }),
} as const

const text = (description: string) =>
  Type.Optional(Type.String({ format: 'text', maxLength: 255, description }))

/** Entering by a one-time link. */
export const enter = {
  method: 'POST',
  path: '/enter',
  operation: 'SignIn',
  tag: 'You',
  summary: 'Enter by a one-time link',
  body: Type.Object({
    token: Type.String({ maxLength: 255, description: 'What stands after `#` in the link.' }),
    firstName: text('The first name, if the person has none yet.'),
    lastName: text('The last name, if the person has none yet.'),
    email: text('The e-mail address, if the person has none yet.'),
  }),
  response: Type.Object({ userId: uuid('The id of the user who is signed in.') }),
} as const

/** Going on in another organization. */
export const switchOrganization = {
  method: 'POST',
  path: '/session/switch',
  operation: 'SignIn',
  tag: 'You',
  summary: 'Go on as the same person in another organization',
  body: Type.Object({ userId: uuid('One of `others` of the signed-in person.') }),
  response: enter.response,
} as const

/** Signing out. */
export const signOut = {
  method: 'POST',
  path: '/session/end',
  operation: 'SignOut',
  tag: 'You',
  summary: 'Sign out',
  response: Type.Object({
    issuerSignOutUrl: nullable(
      'Where the person signs out of the sign-in service too; null if there is none.',
    ),
  }),
} as const

/** The person's own sessions. */
export const listSessions = {
  method: 'GET',
  path: '/sessions',
  operation: 'ListSessions',
  tag: 'You',
  summary: "The signed-in person's sessions, newest first",
  response: Page(ListedSession),
} as const

/** Ending one session. */
export const endSession = {
  method: 'DELETE',
  path: '/sessions/:id',
  operation: 'EndSession',
  subject: { target: 'id' },
  tag: 'You',
  summary: 'End a session: of oneself, or, for administrators, of the people below them',
  params: IdParams,
  response: Type.Null(),
} as const
