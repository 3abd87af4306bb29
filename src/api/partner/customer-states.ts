import { deleteCustomer } from '../../directory/deletion.ts'
import type { Directory } from '../../directory/directory.ts'
import { relateOrganization, unrelateOrganization } from '../../directory/relations.ts'
import { resumeCustomer, suspendCustomer } from '../../directory/suspension.ts'
import { Type } from '../../json-schema.ts'
import { type Route, route } from '../route.ts'
import {
  CustomerParams,
  failures,
  Headers,
  locationHeader,
  NoBody,
  ResellerParams,
  Responds,
  uuid,
  WriteHeaders,
} from './schemas.ts'

const SuspensionView = Type.Object(
  {
    suspendedAt: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'date-time',
      description: 'Since when the customer is suspended; null if it is not.',
    }),
    pendingAccounts: Type.Integer({
      format: 'int32',
      description: 'How many accounts of the customer the platform does not have in their new state yet.',
    }),
  },
  {
    title: 'Suspension',
    examples: [{ suspendedAt: '2026-11-22T08:00:00.000Z', pendingAccounts: 12 }],
  },
)

const RelationParams = Type.Object({ ...CustomerParams.properties, ...ResellerParams.properties })

/** The routes that suspend and delete customers, and relate them to resellers. */
export const customerStateRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'DeleteCustomer',
    subject: { organization: 'customerId' },
    method: 'DELETE',
    url: '/Customers/:customerId',
    document: {
      operationId: 'DeleteCustomer',
      tags: ['Customers'],
      summary: 'Delete a Customer',
      description:
        'Deletes a customer from the whole portal. It is hidden at once. A job then removes its accounts from the ' +
        'platforms, and after that its users.',
    },
    schemas: {
      headers: Headers,
      params: CustomerParams,
      querystring: Type.Object({
        purgeData: Type.Optional(
          Type.Boolean({
            default: false,
            description:
              'Ours: whether the data of the accounts is deleted too. If not, accounts that own data stay on the ' +
              'platform, suspended.',
          }),
        ),
      }),
    },
    responses: { 202: NoBody('Accepted. `Location` is the path of the job.', locationHeader), ...failures },
    async handle({ ctx, params, query }, dir) {
      const { jobId } = await deleteCustomer(dir, ctx, { ...params, purgeData: query.purgeData ?? false })
      return { status: 202, headers: { location: `/v1/jobs/${jobId}` } }
    },
  }),
  route({
    operation: 'SuspendCustomer',
    subject: { organization: 'customerId' },
    method: 'POST',
    url: '/Customers/:customerId/suspend',
    document: {
      operationId: 'SuspendCustomer',
      tags: ['Customers'],
      ours: true,
      summary: 'Suspend a Customer',
      description:
        'Ours. Refuses the clients of a customer, and stops all keys of its accounts from working on the platform.',
    },
    schemas: { headers: WriteHeaders, params: CustomerParams },
    responses: { 200: Responds(SuspensionView, 'OK: the customer is suspended.'), ...failures },
    async handle({ ctx, params }, dir) {
      return { status: 200, body: await suspendCustomer(dir, ctx, params.customerId) }
    },
  }),
  route({
    operation: 'ResumeCustomer',
    subject: { organization: 'customerId' },
    method: 'POST',
    url: '/Customers/:customerId/resume',
    document: {
      operationId: 'ResumeCustomer',
      tags: ['Customers'],
      ours: true,
      summary: 'Resume a Customer',
      description: 'Ours. Ends the suspension of a customer. What worked before works again.',
    },
    schemas: { headers: WriteHeaders, params: CustomerParams },
    responses: { 200: Responds(SuspensionView, 'OK: the customer is not suspended.'), ...failures },
    async handle({ ctx, params }, dir) {
      return { status: 200, body: await resumeCustomer(dir, ctx, params.customerId) }
    },
  }),
  route({
    operation: 'RelateOrganization',
    subject: { organization: 'customerId', target: 'resellerId', reseller: 'resellerId' },
    method: 'PUT',
    url: '/Customers/:customerId/resellers/:resellerId',
    document: {
      operationId: 'RelateCustomer',
      tags: ['Customers'],
      ours: true,
      summary: 'Relate a Customer to a Reseller',
      description:
        'Ours. Lets a reseller manage a customer. With `fromResellerId`, the customer moves from that reseller: its relation ' +
        'ends, and the users in its context go along.',
    },
    schemas: {
      headers: Headers,
      params: RelationParams,
      querystring: Type.Object({
        fromResellerId: Type.Optional(uuid('The reseller that the customer moves away from.')),
      }),
    },
    responses: { 204: NoBody('No Content: they are related.'), ...failures },
    async handle({ ctx, params, query }, dir) {
      await relateOrganization(dir, ctx, { ...params, from: query.fromResellerId })
      return { status: 204 }
    },
  }),
  route({
    operation: 'UnrelateOrganization',
    subject: { organization: 'customerId', target: 'resellerId', reseller: 'resellerId' },
    method: 'DELETE',
    url: '/Customers/:customerId/resellers/:resellerId',
    document: {
      operationId: 'UnrelateCustomer',
      tags: ['Customers'],
      ours: true,
      summary: 'End the relation of a Customer to a Reseller',
      description:
        'Ours. The reseller no longer manages the customer. Users that were in its context are in none, and the ' +
        'internal identifier of the relation is deleted.',
    },
    schemas: { headers: Headers, params: RelationParams },
    responses: { 204: NoBody('No Content: they are not related.'), ...failures },
    async handle({ ctx, params }, dir) {
      await unrelateOrganization(dir, ctx, params)
      return { status: 204 }
    },
  }),
]
