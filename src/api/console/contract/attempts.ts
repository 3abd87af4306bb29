import { Type } from '../../../json-schema.ts'
import { KEPT_OUTCOMES, type KeptOutcome } from '../../../model/attempts.ts'
import { NullableCause } from './causes.ts'
import { nullable, time, uuid } from './parts.ts'

/** Equal attempts in a row. */
export const AttemptsView = Type.Object(
  {
    platform: Type.String({ description: 'The name of the platform.' }),
    userId: uuid('The user whose account it was.'),
    outcome: Type.Unsafe<KeptOutcome>({
      type: 'string',
      enum: [...KEPT_OUTCOMES],
      description: 'How they ended.',
    }),
    count: Type.Integer({ description: 'How many equal attempts there were in a row.' }),
    firstAt: time('When the first of them ended.'),
    lastAt: time('When the last of them ended.'),
    cause: NullableCause,
    error: nullable('What went wrong, for people of the provider; null for others.'),
    node: nullable('The process that made the last of them, for people of the provider.'),
    ms: Type.Integer({ description: 'How long the last of them took, in milliseconds.' }),
    version: Type.Integer({ description: 'The version of the account that was to be applied.' }),
    correlationId: nullable('The request whose change was to be applied; null if Usher made it by itself.'),
  },
  { title: 'Attempts' },
)
