import type { FastifyInstance } from 'fastify'
import type { PlatformView } from '../../provisioning/platform-view.ts'
import { Information } from './platform-schemas.ts'
import { failures } from './schemas.ts'
import { listNotImplemented, type OsisSettings } from './settings.ts'

/** The revision of the OSIS specification that is spoken. */
const API_VERSION = '1.0.0'

const AUTH_MODES = { basic: 'Basic', bearer: 'Bearer' } as const

export interface InfoParts {
  readonly platform: PlatformView
  readonly settings: Pick<OsisSettings, 'authModes' | 'consoleUrl'>
  /** Where the service is reached; never the request's Host header, which anybody can write. */
  readonly publicUrl: () => string
}

export function registerInfo(app: FastifyInstance, parts: InfoParts): void {
  const { platform, settings, publicUrl } = parts
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
      const { name, s3Url } = platform.main
      const { version, health } = await platform.main.status()
      return {
        platform_name: name,
        platform_version: version,
        api_version: API_VERSION,
        status: health,
        not_implemented: listNotImplemented(settings),
        logo_uri: `${publicUrl()}/logo.svg`,
        auth_modes: settings.authModes.map((mode) => AUTH_MODES[mode]),
        services: s3Url === null ? {} : { s3: s3Url },
        regions: ['default'],
        storage_classes: ['standard'],
        iam: false,
        tenant_s3_domain_enabled: false,
      }
    },
  )
}
