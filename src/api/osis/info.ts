import type { PlatformView } from '../../provisioning/platform-view.ts'
import { openRoute, type Route } from '../route.ts'
import { Information } from './platform-schemas.ts'
import { failures, response } from './schemas.ts'
import { listNotImplemented, type OsisSettings } from './settings.ts'

/** The revision of the OSIS specification that is implemented. */
const API_VERSION = '1.0.0'

const AUTH_MODES = { basic: 'Basic', bearer: 'Bearer' } as const

/** What the information about this service needs. */
export interface InfoParts {
  readonly platform: PlatformView
  readonly settings: Pick<OsisSettings, 'authModes' | 'consoleUrl'>
  /** Returns the URL of the service. The Host header is not used, because the caller can put anything there. */
  readonly publicUrl: () => string
}

/** The route that describes the platform and this service. */
export const infoRoutes: readonly Route<InfoParts>[] = [
  openRoute({
    operation: 'GetInfo',
    method: 'GET',
    url: '/info',
    document: {
      operationId: 'getInfo',
      tags: ['Information'],
      summary: 'Get the information of the platform',
      description: 'What the platform is, how callers authenticate, and which operations it does not have.',
      security: [],
    },
    schemas: {},
    responses: { 200: response('The platform and this service', Information), 500: failures[500] },
    async handle(_, { platform, settings, publicUrl }) {
      const { name, s3Url } = platform.main
      const { version, health } = await platform.main.status()
      const body = {
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
      return { status: 200, body }
    },
  }),
]
