import { Type } from '../../../json-schema.ts'
import { TIMELINE_KINDS } from '../../../model/timelines.ts'
import { AttemptsView } from './attempts.ts'
import { NullableCause } from './causes.ts'
import { Entry } from './entries.ts'
import { IdParams, listQuery, nullable, oneOf, Page, time, uuid } from './parts.ts'

const TimelineRow = Type.Object(
  {
    at: time('When it was.'),
    entry: Type.Optional(Entry),
    attempts: Type.Optional(AttemptsView),
  },
  { title: 'TimelineItem', description: 'An audit entry, or equal attempts in a row.' },
)

const WORDS = TIMELINE_KINDS.join('|')

/** Listing the timeline of a user. */
export const listTimeline = {
  method: 'GET',
  path: '/users/:id/timeline',
  operation: 'ListTimeline',
  subject: { target: 'id' },
  tag: 'Users',
  summary: 'What happened to a user, their account and their keys, newest first',
  params: IdParams,
  query: Type.Object({
    ...listQuery,
    show: Type.Optional(
      Type.String({
        pattern: `^(${WORDS})(,(${WORDS})){0,3}$`,
        title: `words out of ${TIMELINE_KINDS.join(', ')}, with commas between them`,
        description: 'What is shown (default: all but `reads`).',
      }),
    ),
  }),
  response: Page(TimelineRow),
} as const

/** Reading the receipt of a removal. */
export const getReceipt = {
  method: 'GET',
  path: '/users/:id/receipt',
  operation: 'GetReceipt',
  subject: { target: 'id' },
  tag: 'Users',
  summary: 'The receipt of the last removal of a user or their account',
  params: IdParams,
  response: Type.Object({
    user: Type.Object({
      id: uuid('The id of the user.'),
      deletedAt: nullable('When the user was deleted; null if only the account was.', 'date-time'),
      erasedAt: nullable('When their personal values were erased.', 'date-time'),
    }),
    organization: Type.Object({ id: uuid('The id.'), name: Type.String({ description: 'The name.' }) }),
    entry: Entry,
    hash: nullable('The hash of the entry; null while no block has it.'),
    block: Type.Unsafe<{ number: number; hash: string } | null>({
      anyOf: [Type.Object({ number: Type.Integer(), hash: Type.String() }), Type.Null()],
      description: 'The block of the audit log that seals it; null until then.',
    }),
    accounts: Type.Array(
      Type.Object({
        platform: Type.String({ description: 'The name of the platform.' }),
        canonicalUserId: Type.String({ description: 'The owner of buckets, as the platform names it.' }),
        state: oneOf(['kept', 'removing', 'removed'], 'What became of it.'),
        isPurged: Type.Boolean({ description: 'Whether its data is deleted with it.' }),
        toldAt: nullable('When it was told to go.', 'date-time'),
        goneAt: nullable('When it was read back and absent.', 'date-time'),
        cause: NullableCause,
        error: nullable('What went wrong, for people of the provider; null for others.'),
        removedKeys: Type.Integer({ description: 'How many of its keys are gone.' }),
        keys: Type.Integer({ description: 'How many of its keys there still are.' }),
      }),
    ),
  }),
} as const
