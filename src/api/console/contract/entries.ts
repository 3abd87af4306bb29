import { Type } from '../../../json-schema.ts'
import type { Change } from '../../../model/audit.ts'
import { CallerRef, nullable, oneOf, time, uuid } from './parts.ts'

const changes = Type.Array(
  Type.Object({
    name: Type.String({ description: 'The member.' }),
    before: Type.Unsafe<Change['before']>({ description: 'The value before; null if it was erased.' }),
    after: Type.Unsafe<Change['after']>({ description: 'The value after; null if it was erased.' }),
  }),
)

/** An audit entry, with current names. */
export const EntryView = Type.Object(
  {
    id: uuid('The id of the entry.'),
    at: time('When it was made.'),
    operation: Type.String({ description: 'What was done.' }),
    status: oneOf(
      ['Succeeded', 'Failed', 'Processing'],
      '`Processing` while the platform does not have the change of an account.',
    ),
    outcome: Type.String({ description: 'The outcome, or the code of the refusal.' }),
    caller: CallerRef,
    target: nullable('The id or access key that it is about.'),
    correlationId: Type.String({ description: 'The request.' }),
    changedFields: Type.Array(Type.String(), { description: 'The names of changed members.' }),
    changes,
  },
  { title: 'Entry' },
)
