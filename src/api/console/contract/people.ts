import { Type } from '../../../json-schema.ts'
import { IdParams, time } from './parts.ts'

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
  answer: Type.Object({
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
  answer: Type.Object({ ended: Type.Integer({ description: 'How many there were.' }) }),
} as const
