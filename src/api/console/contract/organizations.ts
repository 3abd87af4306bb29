import { Type } from '../../../json-schema.ts'
import { ORGANIZATION_KINDS } from '../../../model/organizations.ts'
import { ACCOUNT_POLICIES } from '../../../model/tenants.ts'
import {
  etag,
  IdParams,
  listOf,
  listQuery,
  nullable,
  nullableOf,
  oneOf,
  Page,
  ResellerRef,
  time,
  uuid,
} from './parts.ts'

const Fields = {
  id: uuid('The id of the organization.'),
  name: Type.String({ description: 'The name.' }),
  kind: oneOf(ORGANIZATION_KINDS, 'What it is.'),
  state: oneOf(['active', 'suspended', 'deleted'], 'Its state.'),
  users: Type.Integer({ description: 'The number of its live users.' }),
} as const

/** A list of organizations. */
export const listOrganizations = {
  method: 'GET',
  path: '/organizations',
  operation: 'ListCustomers',
  tag: 'Organizations',
  summary: 'Resellers and customers in reach, by name',
  query: Type.Object({
    q: Type.Optional(
      Type.String({ format: 'text', maxLength: 255, description: 'Words that are in the name.' }),
    ),
    kind: Type.Optional(oneOf(['reseller', 'customer'], 'Only organizations of this kind.')),
    reseller: Type.Optional(uuid('Only customers that are related to this reseller.')),
    ...listQuery,
  }),
  response: Page(
    Type.Object({
      ...Fields,
      resellers: listOf(ResellerRef, 'The resellers of a customer; a reseller sees itself alone.'),
      tenant: nullableOf(
        Type.Object({
          id: Type.String({ description: 'The id of the tenant.' }),
          platform: Type.String({ description: 'The name of the platform.' }),
        }),
        'Its place on the storage platform.',
      ),
      portals: listOf(Type.String(), 'The domains of its portals.'),
    }),
  ),
} as const

/** One organization. */
export const getOrganization = {
  method: 'GET',
  path: '/organizations/:id',
  operation: 'GetCustomer',
  tag: 'Organizations',
  summary: 'An organization with its tenant, portals and relations',
  params: IdParams,
  response: Type.Object(
    {
      ...Fields,
      etag,
      createdAt: time('When it was created.'),
      tenant: nullableOf(
        Type.Object({
          id: Type.String({ description: 'The id of the tenant.' }),
          platform: Type.String({ description: 'The name of the platform.' }),
          accounts: oneOf(ACCOUNT_POLICIES, 'Who gets an account.'),
          orgs: Type.Integer({ description: 'How many Cloud Director orgs are mapped to it.' }),
        }),
        'Its place on the storage platform.',
      ),
      resellers: listOf(ResellerRef, 'The resellers of a customer; a reseller sees itself alone.'),
      portals: listOf(Type.String(), 'The domains of its portals.'),
    },
    { title: 'Organization' },
  ),
} as const

/** Renaming a customer. */
export const renameCustomer = {
  method: 'PATCH',
  path: '/organizations/:id',
  operation: 'UpdateCustomer',
  subject: { organization: 'id' },
  ifMatch: true,
  tag: 'Organizations',
  summary: 'Rename a customer',
  params: IdParams,
  body: Type.Object({ name: Type.String({ maxLength: 255, description: 'The new name.' }) }),
  response: Type.Object({ id: uuid('The id of the customer.'), name: Fields.name, etag }),
} as const

const ofCustomer = {
  method: 'POST',
  subject: { organization: 'id' },
  tag: 'Organizations',
  params: IdParams,
  response: Type.Object({
    suspendedAt: nullable('Since when it is suspended; null if it is not.', 'date-time'),
    pendingAccounts: Type.Integer({
      description: 'How many of its accounts the platform does not have in their new state yet.',
    }),
  }),
} as const

/** Suspending a customer. */
export const suspendCustomer = {
  ...ofCustomer,
  path: '/organizations/:id/suspend',
  operation: 'SuspendCustomer',
  summary: 'Suspend a customer: its API clients are refused, and its accounts stop working',
} as const

/** Ending the suspension of a customer. */
export const resumeCustomer = {
  ...ofCustomer,
  path: '/organizations/:id/resume',
  operation: 'ResumeCustomer',
  summary: 'End the suspension of a customer',
} as const
