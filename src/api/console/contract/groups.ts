import { Type } from '../../../json-schema.ts'
import { nullable, uuid } from './parts.ts'

/** The groups to choose from. */
export const listGroups = {
  method: 'GET',
  path: '/groups',
  operation: 'ListGroups',
  tag: 'Users',
  summary: 'The groups that users can be in, and what each lets them do',
  response: Type.Object({
    items: Type.Array(
      Type.Object({
        id: uuid('The id of the group.'),
        name: Type.String({ description: 'The name.' }),
        permission: Type.Unsafe<'administrator' | 'viewer' | null>({
          type: ['string', 'null'],
          enum: ['administrator', 'viewer', null],
          description: 'What members may do in their organization; null if the group adds nothing.',
        }),
        alerts: Type.Boolean({ description: 'Whether members get alerts about consumption.' }),
      }),
    ),
    next: nullable('Always null: there are few.'),
  }),
} as const
