import type { Static } from 'typebox'
import { getTenant, queryTenants, updateTenant } from '../../directory/tenants.ts'
import type { Tenant } from '../../model/tenants.ts'
import { addTenant, type Provisioning, removeTenant } from '../../provisioning/settling.ts'
import { BODY_LIMITS } from '../bodies.ts'
import { type Route, route } from '../route.ts'
import { parseFilter } from './filter.ts'
import { EMPTY_PAGE, toPageRequest, toWirePage } from './paging.ts'
import {
  bodyFailures,
  FilterQuery,
  failures,
  headOf,
  noBody,
  PageQuery,
  PurgeQuery,
  removalFailures,
  response,
  TenantParams,
} from './schemas.ts'
import { NewOsisTenant, OsisTenant, OsisTenantChange, TenantPage } from './tenant-schemas.ts'

const tags = ['Tenants']
const tenantsUrl = '/v1/tenants'
const tenantUrl = `${tenantsUrl}/:tenantId`

/** The routes of OSIS tenants. A tenant is the place of a customer on the platform. */
export const tenantRoutes: readonly Route<Provisioning>[] = [
  route({
    operation: 'CreateTenant',
    method: 'POST',
    url: tenantsUrl,
    document: {
      operationId: 'createTenant',
      tags,
      summary: 'Create a tenant in the platform',
      description:
        'Makes a customer with a tenant on the platform. If an org belonged to a customer whose tenant was deleted, ' +
        'that customer gets the tenant. If one of the orgs has a tenant already, this one is returned, and the other ' +
        'orgs are mapped to it too.',
    },
    bodyLimit: BODY_LIMITS.orgs,
    schemas: { body: NewOsisTenant },
    responses: { 201: response('A tenant is created', OsisTenant), ...bodyFailures },
    async handle({ ctx, body }, provisioning) {
      const request = { name: body.name, orgIds: body.cd_tenant_ids ?? [] }
      return { status: 201, body: toOsisTenant(await addTenant(provisioning, ctx, request)) }
    },
  }),

  route({
    operation: 'ListTenants',
    method: 'GET',
    url: tenantsUrl,
    document: {
      operationId: 'listTenants',
      tags,
      summary: 'List tenants, those that no org is mapped to among them',
      description: 'Oldest first.',
    },
    schemas: { querystring: PageQuery },
    responses: { 200: response('A page of tenants, oldest first', TenantPage), ...failures },
    async handle({ ctx, query }, { dir }) {
      const page = toPageRequest(query)
      const found = await queryTenants(dir, ctx, { filter: {}, page })
      return { status: 200, body: toWirePage(found, page, toOsisTenant) }
    },
  }),

  route({
    operation: 'QueryTenants',
    method: 'GET',
    url: `${tenantsUrl}/query`,
    document: {
      operationId: 'queryTenants',
      tags,
      summary: 'Query tenants',
      description:
        'Names of the filter: `cd_tenant_id`, which is an org mapped onto the tenant or, where no tenant has that ' +
        "org, the tenant's own id; `tenant_id`.",
    },
    schemas: { querystring: FilterQuery },
    responses: { 200: response('A page of tenants, oldest first', TenantPage), ...failures },
    async handle({ ctx, query }, { dir }) {
      const page = toPageRequest(query)
      const filter = toTenantFilter(query.filter)
      const found = filter ? await queryTenants(dir, ctx, { filter, page }) : EMPTY_PAGE
      return { status: 200, body: toWirePage(found, page, toOsisTenant) }
    },
  }),

  route({
    operation: 'HeadTenant',
    method: 'HEAD',
    url: tenantUrl,
    document: {
      operationId: 'headTenant',
      tags,
      summary: 'Check whether a tenant exists',
      description: '200 or 404, without a body.',
    },
    schemas: { params: TenantParams },
    responses: { 200: headOf('The tenant exists', OsisTenant), ...failures },
    async handle({ ctx, params }, { dir }) {
      return { status: 200, body: toOsisTenant(await getTenant(dir, ctx, params.tenantId)) }
    },
  }),

  route({
    operation: 'GetTenant',
    method: 'GET',
    url: tenantUrl,
    document: {
      operationId: 'getTenant',
      tags,
      summary: 'Get a tenant',
      description: 'By its id on the platform.',
    },
    schemas: { params: TenantParams },
    responses: { 200: response('The tenant', OsisTenant), ...failures },
    async handle({ ctx, params }, { dir }) {
      return { status: 200, body: toOsisTenant(await getTenant(dir, ctx, params.tenantId)) }
    },
  }),

  route({
    operation: 'UpdateTenant',
    subject: { target: 'tenantId' },
    method: 'PATCH',
    url: tenantUrl,
    document: {
      operationId: 'updateTenant',
      tags,
      summary: 'Map orgs onto a tenant',
      description:
        'Replaces the whole list of orgs; an empty one leaves the tenant unmapped. Nothing else is changed, and users ' +
        'and data of orgs that are taken off stay.',
    },
    bodyLimit: BODY_LIMITS.orgs,
    schemas: { params: TenantParams, body: OsisTenantChange },
    responses: { 200: response('The tenant is updated', OsisTenant), ...bodyFailures },
    async handle({ ctx, params, body }, { dir }) {
      const request = { tenantId: params.tenantId, orgIds: body.cd_tenant_ids }
      return { status: 200, body: toOsisTenant(await updateTenant(dir, ctx, request)) }
    },
  }),

  route({
    operation: 'DeleteTenant',
    subject: { target: 'tenantId' },
    method: 'DELETE',
    url: tenantUrl,
    document: {
      operationId: 'deleteTenant',
      tags,
      summary: 'Delete a tenant',
      description:
        'With `purge_data` its users, their keys and buckets go too; without, a tenant that has users is refused. ' +
        'The customer stays.',
    },
    schemas: { params: TenantParams, querystring: PurgeQuery },
    responses: { 204: noBody('The tenant is gone'), ...removalFailures },
    async handle({ ctx, params, query }, provisioning) {
      await removeTenant(provisioning, ctx, { ...params, purge: query.purge_data ?? false })
      return { status: 204 }
    },
  }),
]

/** @returns null if the terms contradict each other */
function toTenantFilter(text: string | undefined) {
  const terms = parseFilter(text, ['cd_tenant_id', 'tenant_id'])
  return terms && { tenantId: terms.tenant_id, orgId: terms.cd_tenant_id }
}

function toOsisTenant(tenant: Tenant): Static<typeof OsisTenant> {
  return {
    name: tenant.name,
    active: true,
    tenant_id: tenant.id,
    cd_tenant_ids: [...tenant.orgIds],
    health: null,
    extensions: null,
  }
}
