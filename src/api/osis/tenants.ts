import type { FastifyInstance } from 'fastify'
import { createTenant, getTenant, queryTenants, updateTenant } from '../../directory/tenants.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import type { Tenant } from '../../model/tenants.ts'
import { type Provisioning, removeTenant } from '../../provisioning/settling.ts'
import { getContext, getValidContext } from '../request.ts'
import { parseFilter } from './filter.ts'
import { toPageRequest, toWirePage } from './paging.ts'
import {
  bodyFailures,
  FilterQuery,
  failures,
  PageQuery,
  PurgeQuery,
  removalFailures,
  TenantParams,
} from './schemas.ts'
import { NewOsisTenant, OsisTenant, OsisTenantChange, TenantPage } from './tenant-schemas.ts'

const tags = ['Tenants']

export function registerTenants(app: FastifyInstance, provisioning: Provisioning): void {
  registerCreate(app, provisioning)
  registerLists(app, provisioning)
  registerReads(app, provisioning)
  registerChanges(app, provisioning)
}

function registerCreate(app: FastifyInstance, { dir }: Provisioning): void {
  app.post<{ Body: NewOsisTenant }>(
    '/v1/tenants',
    {
      attachValidation: true,
      config: { operation: 'CreateTenant' },
      schema: {
        operationId: 'createTenant',
        tags,
        summary: 'Create a tenant in the platform',
        description:
          'Makes a customer with a tenant on the platform. An org that has a tenant already gets that one, unchanged.',
        body: NewOsisTenant,
        response: { 201: { ...OsisTenant, description: 'A tenant is created' }, ...bodyFailures },
      },
    },
    async (request, reply): Promise<OsisTenant> => {
      const ctx = await getValidContext(dir, request, { operation: 'CreateTenant' })
      const { name, cd_tenant_ids } = request.body
      const tenant = await createTenant(dir, ctx, { name, orgIds: cd_tenant_ids ?? [] })
      reply.code(201)
      return toOsisTenant(tenant)
    },
  )
}

function registerLists(app: FastifyInstance, { dir }: Provisioning): void {
  app.get<{ Querystring: PageQuery }>(
    '/v1/tenants',
    {
      attachValidation: true,
      config: { operation: 'ListTenants' },
      schema: {
        operationId: 'listTenants',
        tags,
        summary: 'List tenants, those that no org is mapped to among them',
        querystring: PageQuery,
        response: { 200: { ...TenantPage, description: 'A page of tenants, oldest first' }, ...failures },
      },
    },
    async (request) => {
      const page = toPageRequest(request.query)
      return toTenantPage(await queryTenants(dir, getContext(request), { filter: {}, page }), page)
    },
  )

  app.get<{ Querystring: FilterQuery }>(
    '/v1/tenants/query',
    {
      attachValidation: true,
      config: { operation: 'QueryTenants' },
      schema: {
        operationId: 'queryTenants',
        tags,
        summary: 'Query tenants',
        description:
          'Names of the filter: `cd_tenant_id`, which is an org mapped onto the tenant or, where no tenant has that ' +
          "org, the tenant's own id; `tenant_id`.",
        querystring: FilterQuery,
        response: { 200: { ...TenantPage, description: 'A page of tenants, oldest first' }, ...failures },
      },
    },
    async (request) => {
      const ctx = getContext(request)
      const page = toPageRequest(request.query)
      const terms = parseFilter(request.query.filter, ['cd_tenant_id', 'tenant_id'])
      if (!terms) return toTenantPage({ items: [], total: 0 }, page)
      const filter = { tenantId: terms.tenant_id, orgId: terms.cd_tenant_id }
      return toTenantPage(await queryTenants(dir, ctx, { filter, page }), page)
    },
  )
}

function registerReads(app: FastifyInstance, { dir }: Provisioning): void {
  app.head<{ Params: TenantParams }>(
    '/v1/tenants/:tenantId',
    {
      attachValidation: true,
      config: { operation: 'HeadTenant' },
      schema: {
        operationId: 'headTenant',
        tags,
        summary: 'Check whether a tenant exists',
        params: TenantParams,
        response: { 200: { description: 'The tenant exists', type: 'null' }, ...failures },
      },
    },
    async (request, reply) => {
      await getTenant(dir, getContext(request), request.params.tenantId)
      return reply.send()
    },
  )

  app.get<{ Params: TenantParams }>(
    '/v1/tenants/:tenantId',
    {
      attachValidation: true,
      config: { operation: 'GetTenant' },
      schema: {
        operationId: 'getTenant',
        tags,
        summary: 'Get a tenant',
        params: TenantParams,
        response: { 200: { ...OsisTenant, description: 'The tenant' }, ...failures },
      },
    },
    async (request): Promise<OsisTenant> =>
      toOsisTenant(await getTenant(dir, getContext(request), request.params.tenantId)),
  )
}

function registerChanges(app: FastifyInstance, provisioning: Provisioning): void {
  const { dir } = provisioning
  app.patch<{ Params: TenantParams; Body: OsisTenantChange }>(
    '/v1/tenants/:tenantId',
    {
      attachValidation: true,
      config: { operation: 'UpdateTenant' },
      schema: {
        operationId: 'updateTenant',
        tags,
        summary: 'Map orgs onto a tenant',
        description:
          'Replaces the whole list of orgs; an empty one leaves the tenant unmapped. Nothing else is changed, and users ' +
          'and data of orgs that are taken off stay.',
        params: TenantParams,
        body: OsisTenantChange,
        response: { 200: { ...OsisTenant, description: 'The tenant is updated' }, ...bodyFailures },
      },
    },
    async (request): Promise<OsisTenant> => {
      const { tenantId } = request.params
      const ctx = await getValidContext(dir, request, { operation: 'UpdateTenant', target: tenantId })
      const orgIds = request.body.cd_tenant_ids
      return toOsisTenant(await updateTenant(dir, ctx, { tenantId, orgIds }))
    },
  )

  app.delete<{ Params: TenantParams; Querystring: PurgeQuery }>(
    '/v1/tenants/:tenantId',
    {
      attachValidation: true,
      config: { operation: 'DeleteTenant' },
      schema: {
        operationId: 'deleteTenant',
        tags,
        summary: 'Delete a tenant',
        description:
          'With `purge_data` its users, their keys and buckets go too; without, a tenant that has users is refused. ' +
          'The customer stays.',
        params: TenantParams,
        querystring: PurgeQuery,
        response: { 204: { description: 'The tenant is gone', type: 'null' }, ...removalFailures },
      },
    },
    async (request, reply) => {
      const { tenantId } = request.params
      const ctx = await getValidContext(dir, request, { operation: 'DeleteTenant', target: tenantId })
      await removeTenant(provisioning, ctx, { tenantId, purge: request.query.purge_data ?? false })
      return reply.code(204).send()
    },
  )
}

function toTenantPage(page: Page<Tenant>, request: PageRequest) {
  return toWirePage(page, request, toOsisTenant)
}

function toOsisTenant(tenant: Tenant): OsisTenant {
  return {
    name: tenant.name,
    active: true,
    tenant_id: tenant.id,
    cd_tenant_ids: [...tenant.orgIds],
    health: null,
    extensions: null,
  }
}
