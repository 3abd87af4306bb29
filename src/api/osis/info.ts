import type { FastifyInstance } from 'fastify'
import type { Reconciler } from '../../provisioning/reconciler.ts'
import { NOT_IMPLEMENTED } from './operations.ts'
import { failures, Information } from './schemas.ts'

/** The revision of the OSIS specification that is spoken. */
const API_VERSION = '1.0.0'

/** @param publicUrl where the service is reached; never the request's Host header, which anybody can write */
export function registerInfo(app: FastifyInstance, reconciler: Reconciler, publicUrl: () => string): void {
  app.get(
    '/info',
    {
      config: { operation: 'GetInfo', open: true },
      schema: {
        operationId: 'getInfo',
        tags: ['Information'],
        summary: 'Get the information of the platform',
        security: [],
        response: {
          200: { ...Information, description: 'The platform and this service' },
          500: failures[500],
        },
      },
    },
    async () => {
      const { name, version, health } = await reconciler.platformStatus()
      return {
        platform_name: name,
        platform_version: version,
        api_version: API_VERSION,
        status: health,
        not_implemented: NOT_IMPLEMENTED.map((operation) => operation.id),
        logo_uri: `${publicUrl()}/logo.svg`,
        auth_modes: ['Basic'],
        services: {},
        regions: ['default'],
        storage_classes: ['standard'],
        iam: false,
        tenant_s3_domain_enabled: false,
      }
    },
  )
}
