import type { Static } from 'typebox'
import { checkNewCompany } from '../../directory/companies.ts'
import { deleteReseller } from '../../directory/deletion.ts'
import type { Directory } from '../../directory/directory.ts'
import {
  createReseller,
  getReseller,
  listResellers,
  type ResellerRecord,
  updatePortal,
  updateReseller,
  updateResellerIdentifier,
} from '../../directory/resellers.ts'
import { Type } from '../../json-schema.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { BodyError } from '../bodies.ts'
import { type Route, route } from '../route.ts'
import { readCompany, toCompanyChange, toCompanyPage, toCompanyView, toSearch } from './companies.ts'
import {
  internalIdentifier,
  ResellerAccountInfo,
  ResellerView,
  ResellerViewModel,
  searchQuery,
} from './company-schemas.ts'
import { PageOf, pageQuery, toEnvelope } from './paging.ts'
import {
  failures,
  Headers,
  locationHeader,
  NoBody,
  ResellerParams,
  Responds,
  uuid,
  WriteHeaders,
} from './schemas.ts'

/** What the values of `searchField` search. */
const FIELDS = { 'Company.Name': 'name', InternalIdentifier: 'identifier', MpnId: 'nothing' } as const

const ListQuery = Type.Object({
  ...pageQuery,
  ...searchQuery,
  searchField: Type.Optional(
    Type.Unsafe<keyof typeof FIELDS>({
      type: 'string',
      enum: Object.keys(FIELDS),
      default: 'Company.Name',
      description: 'The field to search. No reseller has an `MpnId`. Needs a `searchValue`.',
    }),
  ),
  customerId: Type.Optional(uuid('GUID Unique identifier for a customer that the resellers are related to.')),
  providerInstanceId: Type.Optional(
    uuid('GUID Unique identifier for a provider instance. No reseller has one, so none is found.'),
  ),
})

const PortalModel = Type.Object(
  {
    domain: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'text',
      maxLength: MAX_TEXT,
      description: 'The DNS name of the portal, which callers send in `X-Tenant`; null for no portal.',
    }),
  },
  { title: 'Portal', examples: [{ domain: 'portal.reseller.example' }] },
)

/** The routes of resellers as organizations. */
export const resellerRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'ListResellers',
    method: 'GET',
    url: '/Resellers',
    document: {
      operationId: 'ListResellers',
      tags: ['Resellers'],
      summary: 'List all Resellers',
      description: 'Returns a page of the resellers of the provider, ordered by name.',
    },
    schemas: { headers: Headers, querystring: ListQuery },
    responses: { 200: Responds(PageOf(ResellerView), 'OK: the page.'), ...failures },
    async handle({ ctx, query }, dir) {
      const { customerId, providerInstanceId } = query
      const search = toSearch(query, FIELDS)
      const none = { by: 'nothing', text: '' } as const
      const filter = { customerId, search: providerInstanceId === undefined ? search : none }
      const page = await listResellers(dir, ctx, { filter, page: toCompanyPage(query) })
      return { status: 200, body: toEnvelope(page, query, toView) }
    },
  }),
  route({
    operation: 'CreateReseller',
    method: 'POST',
    url: '/Resellers',
    document: {
      operationId: 'CreateReseller',
      tags: ['Resellers'],
      summary: 'Create a Reseller',
      description:
        'Creates a reseller. Names are not unique: send an `Idempotency-Key` with a call that you may repeat.',
    },
    schemas: { headers: WriteHeaders, body: ResellerViewModel },
    rules: (body) => checkNewCompany({ company: readCompany(body, 'reseller') }),
    responses: {
      201: Responds(uuid('The id.'), 'Created. The id of the reseller.', locationHeader),
      ...failures,
    },
    async handle({ ctx, body }, dir) {
      const { id: sentId, internalIdentifier, companyName, zipCode: zip } = body
      const { id } = await createReseller(dir, ctx, {
        id: sentId,
        company: { ...toCompanyChange({ ...body, zip }, 'reseller'), companyName },
        internalIdentifier,
      })
      return { status: 201, body: id, headers: { location: `/v1/Resellers/${id}` } }
    },
  }),
  route({
    operation: 'GetReseller',
    subject: { organization: 'resellerId' },
    method: 'GET',
    url: '/Resellers/:resellerId',
    document: {
      operationId: 'GetReseller',
      tags: ['Resellers'],
      summary: 'Get a Reseller',
      description: 'Returns a reseller. A reseller gets itself.',
    },
    schemas: { headers: Headers, params: ResellerParams },
    responses: { 200: Responds(ResellerView, 'OK: the reseller.'), ...failures },
    async handle({ ctx, params }, dir) {
      return { status: 200, body: toView(await getReseller(dir, ctx, params.resellerId)) }
    },
  }),
  route({
    operation: 'UpdateReseller',
    subject: { organization: 'resellerId' },
    method: 'PATCH',
    url: '/Resellers/:resellerId/account-info',
    document: {
      operationId: 'UpdateReseller',
      tags: ['Resellers'],
      summary: 'Update the account info of a Reseller',
      description:
        'Changes the company data of a reseller. Only members that differ are checked and changed.',
    },
    schemas: { headers: WriteHeaders, params: ResellerParams, body: ResellerAccountInfo },
    responses: { 204: NoBody('No Content.'), ...failures },
    async handle({ ctx, params, body }, dir) {
      const change = toCompanyChange({ ...body, zip: body.zipCode }, 'reseller')
      await updateReseller(dir, ctx, { ...params, change })
      return { status: 204 }
    },
  }),
  route({
    operation: 'UpdateResellerIdentifier',
    subject: { organization: 'resellerId' },
    method: 'PATCH',
    url: '/Resellers/:resellerId/internal-identifier',
    document: {
      operationId: 'UpdateResellerIdentifier',
      tags: ['Resellers'],
      summary: 'Update the internal identifier of a Reseller',
      description:
        'Replaces the internal identifier of a reseller. The body is a JSON string; null empties it.',
    },
    schemas: { headers: WriteHeaders, params: ResellerParams, body: internalIdentifier },
    responses: { 204: NoBody('No Content.'), ...failures },
    async handle({ ctx, params, body }, dir) {
      // Fastify checks an absent body as null, which is a value here.
      if (body === undefined) throw new BodyError('malformed', 'is required')
      await updateResellerIdentifier(dir, ctx, { ...params, identifier: body })
      return { status: 204 }
    },
  }),
  route({
    operation: 'DeleteReseller',
    subject: { organization: 'resellerId' },
    method: 'DELETE',
    url: '/Resellers/:resellerId',
    document: {
      operationId: 'DeleteReseller',
      tags: ['Resellers'],
      ours: true,
      summary: 'Delete a Reseller',
      description:
        'Ours. Hides a reseller at once. A job then deletes its users and ends its relations. Its customers stay, and ' +
        'users that were in its context are in none.',
    },
    schemas: { headers: Headers, params: ResellerParams },
    responses: { 202: NoBody('Accepted. `Location` is the path of the job.', locationHeader), ...failures },
    async handle({ ctx, params }, dir) {
      const { jobId } = await deleteReseller(dir, ctx, params.resellerId)
      return { status: 202, headers: { location: `/v1/jobs/${jobId}` } }
    },
  }),
  route({
    operation: 'UpdatePortal',
    subject: { organization: 'resellerId' },
    method: 'PUT',
    url: '/Resellers/:resellerId/portal',
    document: {
      operationId: 'UpdatePortal',
      tags: ['Resellers'],
      ours: true,
      summary: 'Set the portal of a Reseller',
      description: 'Ours. Gives a reseller one portal in place of those that it has, or none.',
    },
    schemas: { headers: Headers, params: ResellerParams, body: PortalModel },
    responses: { 200: Responds(PortalModel, 'OK: the domain as it is compared.'), ...failures },
    async handle({ ctx, params, body }, dir) {
      return { status: 200, body: await updatePortal(dir, ctx, { ...params, domain: body.domain }) }
    },
  }),
]

function toView(reseller: ResellerRecord): Static<typeof ResellerView> {
  const { internalIdentifier, portal, company } = reseller
  return {
    ...toCompanyView(reseller),
    zipCode: company.zip,
    internalIdentifier,
    providerResellers: [],
    customDomain: portal === null ? {} : { domain: portal },
  }
}
