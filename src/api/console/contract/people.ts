import { Type } from '../../../json-schema.ts'
import {
  GroupRef,
  IdParams,
  listOf,
  listQuery,
  nullable,
  OrganizationRef,
  oneOf,
  Page,
  time,
  uuid,
} from './parts.ts'
import { ListedSession } from './sessions.ts'

/** The people who may enter. */
export const listPeople = {
  method: 'GET',
  path: '/people',
  operation: 'ListPeople',
  tag: 'People',
  summary:
    "The people who may enter the console, and how they sign in: the provider's first, then by reseller",
  query: Type.Object({
    organization: Type.Optional(uuid('Only people of this organization.')),
    ...listQuery,
  }),
  response: Page(
    Type.Object({
      id: uuid('The id of the user.'),
      firstName: nullable('The first name.'),
      lastName: nullable('The last name.'),
      email: nullable('The e-mail address.'),
      organization: OrganizationRef,
      permission: oneOf(['administrator', 'viewer'], 'What the person may do in general.'),
      groups: Type.Array(GroupRef),
      active: Type.Boolean({ description: 'Whether the person is not suspended: then they may not enter.' }),
      issuers: listOf(Type.String(), 'The OpenID providers at which the person has signed in.'),
      linkUntil: nullable(
        'Until when a one-time link that was not used is good; null for none.',
        'date-time',
      ),
      sessions: Type.Integer({ description: 'How many sessions the person has now.' }),
      seenAt: nullable('When a session that there still is was last used; null for none.', 'date-time'),
    }),
  ),
} as const

/** The sessions of one person. */
export const listSessionsOf = {
  method: 'GET',
  path: '/people/:id/sessions',
  operation: 'ListSessions',
  subject: { target: 'id' },
  tag: 'People',
  summary: 'The sessions of a person, newest first',
  params: IdParams,
  response: Page(ListedSession),
} as const

/** Voiding the one-time links of a person. */
export const deleteLinks = {
  method: 'DELETE',
  path: '/people/:id/link',
  operation: 'DeleteSignInLink',
  subject: { target: 'id' },
  tag: 'People',
  summary: 'Void the one-time links of a person that were not used',
  params: IdParams,
  response: Type.Object({ voided: Type.Integer({ description: 'How many there were.' }) }),
} as const

/** Making a one-time link for another person. */
export const createLink = {
  method: 'POST',
  path: '/people/:id/link',
  operation: 'CreateSignInLink',
  subject: { target: 'id' },
  tag: 'People',
  summary: 'Make a one-time link for a person, good for 24 hours',
  params: IdParams,
  status: 201,
  response: Type.Object({
    link: Type.String({ description: 'The link. It is shown once.' }),
    expiresAt: time('Until when it is good.'),
  }),
} as const

/** Ending all sessions of another person. */
export const endSessionsOf = {
  method: 'DELETE',
  path: '/people/:id/sessions',
  operation: 'EndSession',
  subject: { target: 'id' },
  tag: 'People',
  summary: 'End all sessions of a person',
  params: IdParams,
  response: Type.Object({ ended: Type.Integer({ description: 'How many there were.' }) }),
} as const
