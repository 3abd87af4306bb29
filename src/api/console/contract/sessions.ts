import { Type } from '../../../json-schema.ts'
import { SIGN_IN_METHODS } from '../../../model/sessions.ts'
import { nullable, oneOf, time, uuid } from './parts.ts'

/** The members of a session. */
export const Session = {
  id: uuid('The id of the session.'),
  method: oneOf(SIGN_IN_METHODS, 'How it was begun: by a one-time link, or at the sign-in service.'),
  createdAt: time('When it was begun.'),
  seenAt: time('When it was last used, to a minute.'),
  idleUntil: time('When it ends unless it is used.'),
  expiresAt: time('When it ends, however much it is used.'),
} as const

/** A session as lists show it. */
export const ListedSession = Type.Object({
  ...Session,
  address: nullable('The source address of the request that began it.'),
  agent: nullable('The User-Agent of the browser.'),
  current: Type.Boolean({ description: 'Whether it is the session of this call.' }),
})
