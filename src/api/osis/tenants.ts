import type { FastifyInstance } from 'fastify'
import type { Directory } from '../../directory/directory.ts'
import { createTenant, getTenant } from '../../directory/tenants.ts'
import type { Tenant } from '../../model/tenants.ts'
import { getContext, getValidContext } from '../request.ts'
import { bodyFailures, failures, NewOsisTenant, OsisTenant, TenantParams } from './schemas.ts'

export function registerTenants(app: FastifyInstance, dir: Directory): void {
  app.post<{ Body: NewOsisTenant }>(
    '/v1/tenants',
    {
      attachValidation: true,
      config: { operation: 'CreateTenant' },
      schema: {
        operationId: 'createTenant',
        tags: ['Tenants'],
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

  app.head<{ Params: TenantParams }>(
    '/v1/tenants/:tenantId',
    {
      attachValidation: true,
      config: { operation: 'HeadTenant' },
      schema: {
        operationId: 'headTenant',
        tags: ['Tenants'],
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
        tags: ['Tenants'],
        summary: 'Get a tenant',
        params: TenantParams,
        response: { 200: { ...OsisTenant, description: 'The tenant' }, ...failures },
      },
    },
    async (request): Promise<OsisTenant> =>
      toOsisTenant(await getTenant(dir, getContext(request), request.params.tenantId)),
  )
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
