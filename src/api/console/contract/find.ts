import { Type } from '../../../json-schema.ts'
import { OPERATIONS, OUTCOMES } from '../../../model/audit.ts'
import { CAUSE_CODES } from '../../../model/causes.ts'
import { CALLER_KINDS, PERMISSIONS } from '../../../model/context.ts'
import { ERROR_CODES } from '../../../model/error.ts'
import {
  NEXT_OPERATIONS,
  type NextCode,
  type NextStep,
  REASON_CODES,
  type Reason,
  STEP_CODES,
  STEP_STATES,
  UNSEEN,
} from '../../../model/explain.ts'
import { HIT_KINDS, HIT_STATES, MATCHES } from '../../../model/find.ts'
import { ORGANIZATION_KINDS } from '../../../model/organizations.ts'
import { DRIFT_KINDS, HEALTHS } from '../../../model/platforms.ts'
import { AttemptsView } from './attempts.ts'
import { Entry } from './entries.ts'
import { IdParams, listOf, nullable, nullableOf, OrganizationRef, oneOf, uuid } from './parts.ts'

const Hit = Type.Object(
  {
    kind: oneOf(HIT_KINDS, 'What it is.'),
    id: Type.String({ description: 'What names it in other calls.' }),
    name: nullable('What people call it.'),
    email: nullable('The e-mail address of the user.'),
    state: oneOf(HIT_STATES, 'Its state.'),
    match: oneOf(MATCHES, 'What of it equals the text, or contains its words.'),
    organization: nullableOf(OrganizationRef, 'The organization that it belongs to.'),
    userId: nullable('The id of the user of an account or a key.', 'uuid'),
  },
  { title: 'Hit' },
)

/** Finding anything by one text. */
export const find = {
  method: 'GET',
  path: '/find',
  operation: 'FindObjects',
  tag: 'Find',
  summary: 'Find anything by an id, a key, an e-mail address, a domain or words',
  query: Type.Object({
    q: Type.String({ maxLength: 1_000, description: 'The text.' }),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 50,
        description: 'The most users, and organizations (default: 5).',
      }),
    ),
  }),
  response: Type.Object({
    hits: listOf(Hit, 'Exact ids first, then users, then organizations.'),
    more: Type.Boolean({ description: 'Whether more users or organizations may have the words.' }),
  }),
} as const

const NEXT_CODES = Object.keys(NEXT_OPERATIONS) as NextCode[]
const ENTRY_OUTCOMES = [...OUTCOMES, ...ERROR_CODES] as const
/** What a caller is, or would have to be. */
const CALLER_WORDS = [...PERMISSIONS, ...ORGANIZATION_KINDS, ...CALLER_KINDS] as const

const ReasonSchema = Type.Unsafe<Reason | null>({
  anyOf: [
    Type.Object({
      code: oneOf(REASON_CODES, 'The reason.'),
      params: Type.Object(
        {
          cause: Type.Optional(nullableOf(oneOf(CAUSE_CODES, 'The cause.'), 'Why the platform failed.')),
          health: Type.Optional(oneOf(HEALTHS, 'The health of the platform.')),
          kinds: Type.Optional(listOf(oneOf(DRIFT_KINDS, 'The difference.'), 'How the platform differs.')),
          operation: Type.Optional(oneOf(OPERATIONS, 'The operation that was refused.')),
          code: Type.Optional(oneOf(ENTRY_OUTCOMES, 'Why it was refused.')),
          kind: Type.Optional(oneOf(ORGANIZATION_KINDS, "What the person's organization is.")),
          has: Type.Optional(oneOf(CALLER_WORDS, 'What the caller is.')),
          needed: Type.Optional(listOf(oneOf(CALLER_WORDS, 'What would do.'), 'What it would have to be.')),
        },
        { description: 'What a text about it needs; these are the codes in it.' },
      ),
    }),
    Type.Null(),
  ],
  description: 'Why the step is `no`, with what a text about it needs.',
})

const NextSchema = Type.Unsafe<NextStep>({
  ...Type.Object({
    code: oneOf(NEXT_CODES, 'What to do.'),
    params: Type.Object(
      {
        code: Type.Optional(oneOf(ENTRY_OUTCOMES, 'Why a request was refused.')),
        operation: Type.Optional(oneOf(OPERATIONS, 'The operation that is refused.')),
        permission: Type.Optional(oneOf(PERMISSIONS, 'The permission of a new client.')),
        step: Type.Optional(oneOf(NEXT_CODES, 'What others can do.')),
      },
      { description: 'What a text about it needs; these are the codes in it.' },
    ),
  }),
})

const explanation = {
  steps: listOf(
    Type.Object({
      code: oneOf(STEP_CODES, 'What must hold.'),
      state: oneOf(STEP_STATES, 'Whether it holds.'),
      reason: ReasonSchema,
    }),
    'In the order in which they are checked. What follows the first `no` is unknown.',
  ),
  failed: Type.Unsafe<(typeof STEP_CODES)[number] | null>({
    anyOf: [oneOf(STEP_CODES, 'The step.'), Type.Null()],
    description: 'The first step that is `no`.',
  }),
  next: listOf(NextSchema, 'What the person may do about it, best first.'),
} as const

/** Why the storage of a user works or does not. */
export const explainUser = {
  method: 'GET',
  path: '/users/:id/why',
  operation: 'ExplainUser',
  tag: 'Users',
  summary: 'Why the storage of a user works or does not, and what to do',
  params: IdParams,
  query: Type.Object({
    compare: Type.Optional(
      Type.Boolean({ description: 'Whether to read the account from the platform, and compare it.' }),
    ),
  }),
  response: Type.Object({
    user: Type.Object({
      id: uuid('The id of the user.'),
      name: nullable('The name.'),
      email: nullable('The e-mail address.'),
      organization: OrganizationRef,
    }),
    account: nullableOf(
      Type.Object({
        canonicalUserId: Type.String({ description: 'How its platform names the owner of data.' }),
        tenantId: Type.String({ description: 'The id of the tenant.' }),
        platform: Type.String({ description: 'The name of the platform.' }),
      }),
      'The account that is explained.',
    ),
    ...explanation,
    s3Url: nullable('The URL of the S3 service to use.'),
    unseen: listOf(oneOf(UNSEEN, 'What it is.'), 'What Usher cannot see.'),
  }),
} as const

/** What one request did. */
export const explainRequest = {
  method: 'GET',
  path: '/requests/:id',
  operation: 'ExplainRequest',
  tag: 'Audit',
  summary: 'What a request did, and what became of it',
  params: IdParams,
  response: Type.Object({
    correlationId: uuid('The correlation id.'),
    ...explanation,
    entries: listOf(Entry, 'In the order of the log.'),
    attempts: listOf(AttemptsView, 'The attempts to bring what it changed to the platform, oldest first.'),
    block: nullableOf(
      Type.Object({
        number: Type.Integer({ description: 'Its number.' }),
        hash: Type.String({ description: 'Its hash.' }),
      }),
      'The block of the audit log that seals the last of these entries; null until then.',
    ),
    more: Type.Boolean({ description: 'Whether the request has more entries.' }),
  }),
} as const
