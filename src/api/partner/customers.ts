import type { Static } from 'typebox'
import {
  type CustomerView as CustomerDetails,
  checkNewCustomer,
  createCustomer,
  getCustomer,
  listCustomers,
  updateCustomer,
  updateCustomerIdentifier,
} from '../../directory/customers.ts'
import type { Directory } from '../../directory/directory.ts'
import { Type } from '../../json-schema.ts'
import { foldOptionalId } from '../../model/ids.ts'
import { type Route, route } from '../route.ts'
import { readCompany, toCompanyChange, toCompanyPage, toCompanyView, toSearch } from './companies.ts'
import {
  CustomerAccountInfo,
  CustomerIdentifierModel,
  CustomerView,
  CustomerViewModel,
  searchQuery,
} from './company-schemas.ts'
import { PageOf, pageQuery, toEnvelope } from './paging.ts'
import {
  CustomerParams,
  failures,
  Headers,
  locationHeader,
  NoBody,
  Responds,
  uuid,
  WriteHeaders,
} from './schemas.ts'

/** What the values of `searchField` search. */
const FIELDS = {
  'Company.Name': 'name',
  Domain: 'domain',
  InternalIdentifier: 'identifier',
  ProviderCustomerId: 'tenant',
} as const

const resellerId = Type.Optional(
  uuid(
    "GUID Unique identifier for the reseller in whose context the call is made. A reseller's own is implied.",
  ),
)

const ListQuery = Type.Object({
  ...pageQuery,
  ...searchQuery,
  searchField: Type.Optional(
    Type.Unsafe<keyof typeof FIELDS>({
      type: 'string',
      enum: Object.keys(FIELDS),
      default: 'Company.Name',
      description:
        'The field to search. `Domain` is that of the email of the contact; `ProviderCustomerId` is the id of a tenant ' +
        'or of a Cloud Director org, as a whole. Needs a `searchValue`.',
    }),
  ),
  includeDeleted: Type.Optional(
    Type.Boolean({ default: true, description: 'Whether deleted customers are listed too.' }),
  ),
  resellerId,
})

/** The routes of customers as organizations. */
export const customerRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'ListCustomers',
    method: 'GET',
    url: '/Customers',
    document: {
      operationId: 'ListCustomers',
      tags: ['Customers'],
      summary: 'List all Customers',
      description: 'Returns a page of the customers in the context of the call, ordered by name.',
    },
    schemas: { headers: Headers, querystring: ListQuery },
    responses: { 200: Responds(PageOf(CustomerView), 'OK: the page.'), ...failures },
    async handle({ ctx, query }, dir) {
      const { includeDeleted = true, resellerId } = query
      const filter = { search: toSearch(query, FIELDS), includeDeleted, resellerId }
      const page = await listCustomers(dir, ctx, { filter, page: toCompanyPage(query) })
      return { status: 200, body: toEnvelope(page, query, toView) }
    },
  }),
  route({
    operation: 'CreateCustomer',
    method: 'POST',
    url: '/Customers',
    document: {
      operationId: 'CreateCustomer',
      tags: ['Customers'],
      summary: 'Create a Customer',
      description:
        'Creates a customer with a relation to a reseller or to the provider. Names are not unique: send an ' +
        '`Idempotency-Key` with a call that you may repeat.',
    },
    schemas: { headers: WriteHeaders, body: CustomerViewModel },
    rules: (body) => checkNewCustomer({ company: readCompany(body, 'customer') }),
    responses: {
      201: Responds(uuid('The id.'), 'Created. The id of the customer.', locationHeader),
      ...failures,
    },
    async handle({ ctx, body }, dir) {
      const { id: sentId, internalIdentifier, resellerId, companyName } = body
      const { id } = await createCustomer(dir, ctx, {
        id: sentId,
        company: { ...toCompanyChange(body, 'customer'), companyName },
        internalIdentifier,
        resellerId: foldOptionalId(resellerId ?? undefined),
      })
      return { status: 201, body: id, headers: { location: `/v1/Customers/${id}` } }
    },
  }),
  route({
    operation: 'GetCustomer',
    subject: { organization: 'customerId' },
    method: 'GET',
    url: '/Customers/:customerId',
    document: {
      operationId: 'GetCustomer',
      tags: ['Customers'],
      summary: 'Get a Customer',
      description: 'Returns a customer as the relation of the context shows it. Without that relation: 403.',
    },
    schemas: { headers: Headers, params: CustomerParams, querystring: Type.Object({ resellerId }) },
    responses: { 200: Responds(CustomerView, 'OK: the customer.'), ...failures },
    async handle({ ctx, params, query }, dir) {
      const { customerId } = params
      const resellerId = foldOptionalId(query.resellerId)
      return { status: 200, body: toView(await getCustomer(dir, ctx, { customerId, resellerId })) }
    },
  }),
  route({
    operation: 'UpdateCustomer',
    subject: { organization: 'customerId' },
    method: 'PATCH',
    url: '/Customers/:customerId/account-info',
    document: {
      operationId: 'UpdateCustomer',
      tags: ['Customers'],
      summary: 'Update the account info of a Customer',
      description:
        'Changes the company data of a customer. Only members that differ are checked and changed.',
    },
    schemas: { headers: WriteHeaders, params: CustomerParams, body: CustomerAccountInfo },
    responses: { 204: NoBody('No Content.'), ...failures },
    async handle({ ctx, params, body }, dir) {
      await updateCustomer(dir, ctx, {
        ...params,
        change: toCompanyChange(body.customer, 'customer'),
        retry: body.retryFailedProviderCustomersFromCompanyInfo ?? false,
        prefix: 'customer.',
      })
      return { status: 204 }
    },
  }),
  route({
    operation: 'UpdateCustomerIdentifier',
    subject: { organization: 'customerId' },
    method: 'PATCH',
    url: '/Customers/:customerId/internal-identifier',
    document: {
      operationId: 'UpdateCustomerIdentifier',
      tags: ['Customers'],
      summary: 'Update the internal identifier of a Customer',
      description: 'Replaces the internal identifier of a relation of the customer; null empties it.',
    },
    schemas: { headers: WriteHeaders, params: CustomerParams, body: CustomerIdentifierModel },
    responses: { 204: NoBody('No Content.'), ...failures },
    async handle({ ctx, params, body }, dir) {
      const resellerId = foldOptionalId(body.resellerId ?? undefined)
      await updateCustomerIdentifier(dir, ctx, { ...params, resellerId, identifier: body.internalIdentifier })
      return { status: 204 }
    },
  }),
]

function toView(customer: CustomerDetails): Static<typeof CustomerView> {
  const { internalIdentifier, resellerId, tenants, suspendedAt, deletedAt, resellerIds } = customer
  const { zip, middleName } = customer.company
  return {
    ...toCompanyView(customer),
    ...{ zip, middleName, internalIdentifier, resellerId, suspendedAt, deletedAt },
    providerCustomers: [...tenants],
    customerAssociations: [],
    ...(resellerIds && { resellerIds: [...resellerIds] }),
  }
}
