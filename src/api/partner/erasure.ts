import type { Directory } from '../../directory/directory.ts'
import { eraseUser } from '../../directory/erasure.ts'
import { Type } from '../../json-schema.ts'
import { type Route, route } from '../route.ts'
import { failures, Responds, uuid, WriteHeaders } from './schemas.ts'

const ErasureReceipt = Type.Object(
  {
    id: uuid('The id of the user.'),
    erasedAt: Type.String({ format: 'date-time', description: 'When the user was erased, in UTC.' }),
    entries: Type.Integer({
      description: 'How many audit entries are about the user. They have no personal values.',
    }),
    accounts: Type.Array(
      Type.Object({
        platform: Type.String({ description: 'The name of the platform.' }),
        canonicalUserId: Type.String({ description: 'The id that the platform shows as the owner of data.' }),
        state: Type.Unsafe<'removed' | 'removing' | 'kept'>({
          type: 'string',
          enum: ['removed', 'removing', 'kept'],
          description:
            '`removed`: the platform no longer has it. `removing`: the platform does not have the change yet. `kept`: ' +
            'it owns data, so it is suspended, and has the id of the user as its name.',
        }),
        reason: Type.Unsafe<string | null>({
          type: ['string', 'null'],
          description: 'Why the last attempt failed; null if it did not.',
        }),
      }),
      { description: 'The accounts of the user, as they were last read back from their platforms.' },
    ),
  },
  {
    title: 'ErasureReceipt',
    description: 'What is left of an erased user.',
    examples: [
      {
        id: '01932d3e-7f4a-7c1e-9d55-2f6a8f0b1c2d',
        erasedAt: '2026-11-22T08:00:00.000Z',
        entries: 4,
        accounts: [{ platform: 'ceph-rgw', canonicalUserId: 'contoso$ada', state: 'removed', reason: null }],
      },
    ],
  },
)

/** The route that erases a user, which the documents of the partner portal do not have. */
export const erasureRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'EraseUser',
    subject: { target: 'id' },
    method: 'POST',
    url: '/users/:id/erase',
    document: {
      operationId: 'EraseUser',
      tags: ['Users'],
      summary: 'Erase a deleted User',
      description:
        'Ours. Deletes the names, the email and all other personal values of a deleted user, also in the audit log. The ' +
        'id, the organization and the times stay. Available to the role csp. This cannot be undone; a user who is not ' +
        'deleted is refused. Erasing again returns the receipt with the accounts as they are now.',
      ours: true,
    },
    schemas: { headers: WriteHeaders, params: Type.Object({ id: uuid('The id of the user.') }) },
    responses: { 200: Responds(ErasureReceipt, 'OK: the receipt.'), ...failures },
    async handle({ ctx, params }, dir) {
      const { accounts, ...receipt } = await eraseUser(dir, ctx, { user: params.id })
      return { status: 200, body: { ...receipt, accounts: [...accounts] } }
    },
  }),
]
