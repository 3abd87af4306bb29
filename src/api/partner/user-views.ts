import type { Static } from 'typebox'
import type { UserDetails } from '../../directory/user-changes.ts'
import { Type } from '../../json-schema.ts'
import type { ListedUser } from '../../model/user-lists.ts'
import { AccountView, toAccountView } from './account-schemas.ts'
import { ROLE_NAMES } from './names.ts'
import { nullable, nullableText, uuid } from './schemas.ts'

/** A user as the portal returns them: the documented members, and ours. */
export const UserView = Type.Object(
  {
    id: uuid('The id of the user.'),
    firstName: nullableText('The first name of the user.', 'text', 'Ada'),
    lastName: nullableText('The last name of the user.', 'text', 'Lovelace'),
    email: nullableText('The email.', 'email', 'ada@example.com'),
    role: Type.Object({
      name: Type.Unsafe<string>({
        type: ['string', 'null'],
        enum: Object.values(ROLE_NAMES),
        description: 'The name of the enumeration: the kind of organization that the user belongs to.',
      }),
    }),
    groups: Type.Array(
      Type.Object({
        id: uuid('The id of the group.'),
        name: Type.String({ description: 'The group name.' }),
      }),
      { description: 'The user groups, ordered by name.' },
    ),
    customerId: nullable(
      'Ours: the customer of the user; null for users of the provider and of resellers.',
      'uuid',
    ),
    resellerId: nullable('Ours: the reseller in whose context the user is; null for none.', 'uuid'),
    active: Type.Boolean({ description: 'Ours: false for a suspended user.' }),
    createdAt: Type.String({ format: 'date-time', description: 'Ours: when the user was created.' }),
    updatedAt: Type.String({ format: 'date-time', description: 'Ours: when the user was last changed.' }),
  },
  { title: 'User' },
)

/** A single user: with what they have on platforms. */
export const SingleUserView = Type.Object(
  {
    ...UserView.properties,
    accounts: Type.Array(AccountView, { description: 'Ours: what the user has on storage platforms.' }),
  },
  { title: 'SingleUser' },
)

/** Translates a single user. */
export function toSingleUserView(details: UserDetails): Static<typeof SingleUserView> {
  return { ...toUserView(details), accounts: details.accounts.map(toAccountView) }
}

/** Translates a user with what belongs to a view of them. */
export function toUserView({ user, organization, groups, resellerId }: ListedUser): Static<typeof UserView> {
  const { id, firstName, lastName, email, active, createdAt, updatedAt } = user
  return {
    id,
    firstName,
    lastName,
    email,
    role: { name: ROLE_NAMES[organization.kind] },
    groups: groups.map((group) => ({ id: group.id, name: group.name })),
    customerId: organization.kind === 'customer' ? organization.id : null,
    resellerId,
    active,
    createdAt,
    updatedAt,
  }
}
