import { Type } from '../../../json-schema.ts'
import { type Change, LOG_STATUSES, OPERATIONS, OUTCOMES, TARGET_KINDS } from '../../../model/audit.ts'
import { ERROR_CODES } from '../../../model/error.ts'
import {
  CallerRef,
  listOf,
  nullable,
  nullableOf,
  OrganizationRef,
  oneOf,
  ResellerRef,
  time,
  uuid,
} from './parts.ts'

const changes = listOf(
  Type.Object({
    name: Type.String({ description: 'The member.' }),
    before: Type.Unsafe<Change['before']>({ description: 'The value before; null if it was erased.' }),
    after: Type.Unsafe<Change['after']>({ description: 'The value after; null if it was erased.' }),
  }),
  'What was changed; empty for a create.',
)

const TargetRef = Type.Object({
  kind: oneOf(TARGET_KINDS, 'What it is.'),
  id: Type.String({ description: 'Its id, or its access key.' }),
  name: nullable('What people call it.'),
  userId: nullable('The user: themself, or whose key it is.', 'uuid'),
})

/** An audit entry, with current names. */
export const Entry = Type.Object(
  {
    id: uuid('The id of the entry.'),
    at: time('When it was made.'),
    operation: oneOf(OPERATIONS, 'What was done.'),
    status: oneOf(LOG_STATUSES, '`Processing` while the platform does not have the change of an account.'),
    outcome: oneOf([...OUTCOMES, ...ERROR_CODES], 'What became of it; of a refusal, the code of the error.'),
    caller: CallerRef,
    target: nullable('The id or access key that it is about, as the entry has it.'),
    about: nullableOf(TargetRef, 'What the target is; null if the person does not reach it, or it is gone.'),
    organization: nullableOf(
      OrganizationRef,
      'The organization that it is about; null if the person may not know it.',
    ),
    reseller: nullableOf(ResellerRef, 'The reseller in whose context it is; null for none.'),
    correlationId: Type.String({ description: 'The correlation id of the request.' }),
    changedFields: listOf(Type.String(), 'The names of changed members.'),
    changes,
  },
  { title: 'Entry' },
)
