import type { FastifyInstance } from 'fastify'
import type { SecretCheck } from '../../auth/clients.ts'
import type { OsisTokens } from '../../auth/osis-tokens.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Logger } from '../../logger.ts'
import type { PlatformView } from '../../provisioning/platform-view.ts'
import type { Reconciler } from '../../provisioning/reconciler.ts'
import type { BodyRooms } from '../bodies.ts'
import { serveDialect } from '../dialect.ts'
import type { Limits } from '../limits.ts'
import { newAdmission } from './admission.ts'
import { credentialRoutes } from './credentials.ts'
import { newErrorSender } from './errors.ts'
import { infoRoutes } from './info.ts'
import { loginRoutes } from './login.ts'
import { toDocument } from './openapi.ts'
import { platformRoutes } from './platform.ts'
import type { S3Capabilities } from './platform-schemas.ts'
import { toS3Capabilities } from './s3-capabilities.ts'
import type { OsisSettings } from './settings.ts'
import { tenantRoutes } from './tenants.ts'
import { userRoutes } from './users.ts'

/** What the OSIS API needs. */
export interface OsisApi {
  readonly dir: Directory
  readonly checkSecret: SecretCheck
  readonly tokens: OsisTokens
  readonly reconciler: Reconciler
  readonly platform: PlatformView
  readonly settings: OsisSettings
  /** The S3 capabilities that the operator configured; null to use those of the platform. */
  readonly s3Capabilities: S3Capabilities | null
  /** Returns the URL of the service, without a slash at the end. */
  readonly publicUrl: () => string
  readonly log: Logger
  readonly rooms: BodyRooms
  readonly limits: Limits
}

/** Serves OSIS: `/api`, behind the operator's prefix if there is one, and its document at `/openapi/osis.json`. */
export function osisApi(app: FastifyInstance, parts: OsisApi): Promise<void> {
  const { dir, log, rooms, limits, settings, platform } = parts
  const s3Capabilities = parts.s3Capabilities ?? toS3Capabilities(platform.main.s3Exclusions)
  const { authModes } = settings
  return serveDialect(app, {
    dir,
    log,
    rooms,
    limits,
    document: toDocument(authModes),
    documentPath: '/openapi/osis.json',
    publicUrl: parts.publicUrl,
    prefix: `${settings.prefix}/api`,
    routes: [
      ...infoRoutes.map((declared) => declared(parts)),
      ...(authModes.includes('bearer') ? loginRoutes.map((declared) => declared(parts)) : []),
      ...[...tenantRoutes, ...userRoutes, ...credentialRoutes].map((declared) => declared(parts)),
      ...platformRoutes.map((declared) => declared({ platform, settings, s3Capabilities })),
    ],
    admit: newAdmission(parts),
    sendError: newErrorSender(authModes),
  })
}
