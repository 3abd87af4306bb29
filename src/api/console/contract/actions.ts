import { Type } from '../../../json-schema.ts'
import { ACTION_REASONS, type ActionReason, USER_ACTIONS } from '../../../model/actions.ts'
import { listOf, oneOf } from './parts.ts'

/** What can be done with a thing. */
export const Actions = listOf(
  Type.Object({
    action: oneOf(USER_ACTIONS, 'What can be done.'),
    operation: Type.String({ description: 'The operation, as `permitted` of `/me` names it.' }),
    permitted: Type.Boolean({ description: 'Whether the person can run it on this thing now.' }),
    reason: Type.Unsafe<ActionReason | null>({
      anyOf: [oneOf(ACTION_REASONS, 'The reason.'), Type.Null()],
      description: 'Why not; null if they can.',
    }),
  }),
  'What can be done with it, and why not.',
)
