import type { FastifyInstance } from 'fastify'
import type { BearerCheck } from '../../auth/bearer.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Logger } from '../../logger.ts'
import type { Reconciler } from '../../provisioning/reconciler.ts'
import type { WebhookSender } from '../../webhooks/sender.ts'
import type { BodyRooms } from '../bodies.ts'
import { serveDialect } from '../dialect.ts'
import type { Limits } from '../limits.ts'
import { accountRoutes } from './accounts.ts'
import { newAdmission } from './admission.ts'
import { apiAccessRoutes } from './api-accesses.ts'
import { auditLogRoutes } from './audit-logs.ts'
import { bulkRoutes } from './bulk-users.ts'
import { customerStateRoutes } from './customer-states.ts'
import { customerRoutes } from './customers.ts'
import { erasureRoutes } from './erasure.ts'
import { sendError } from './errors.ts'
import { jobRoutes } from './jobs.ts'
import { document } from './openapi.ts'
import { resellerRoutes } from './resellers.ts'
import { singleUserRoutes } from './single-users.ts'
import { userListRoutes } from './user-lists.ts'
import { userRoutes } from './users.ts'
import { webhookRoutes } from './webhooks.ts'

/** What the partner portal's API needs. */
export interface PartnerApi {
  readonly dir: Directory
  readonly reconciler: Reconciler
  readonly bearer: BearerCheck
  readonly webhooks: WebhookSender
  /** Returns the URL of the service, without a slash at the end. */
  readonly publicUrl: () => string
  readonly log: Logger
  readonly rooms: BodyRooms
  readonly limits: Limits
}

/** Serves the partner portal's API: `/v1`, and its document at `/openapi/customer.json`. */
export function partnerApi(app: FastifyInstance, parts: PartnerApi): Promise<void> {
  const { dir, bearer, log, rooms, limits, publicUrl } = parts
  return serveDialect(app, {
    dir,
    log,
    rooms,
    limits,
    document,
    documentPath: '/openapi/customer.json',
    publicUrl,
    prefix: '/v1',
    routes: [
      ...[
        ...userRoutes,
        ...singleUserRoutes,
        ...userListRoutes,
        ...bulkRoutes,
        ...jobRoutes,
        ...apiAccessRoutes,
        ...auditLogRoutes,
        ...erasureRoutes,
        ...customerRoutes,
        ...customerStateRoutes,
        ...resellerRoutes,
      ].map((declared) => declared(dir)),
      ...accountRoutes.map((declared) => declared(parts)),
      ...webhookRoutes.map((declared) => declared(parts)),
    ],
    admit: newAdmission(dir, bearer),
    sendError,
  })
}
