import type { FastifyInstance } from 'fastify'
import type { BearerCheck } from '../../auth/bearer.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Logger } from '../../logger.ts'
import { serveDialect } from '../dialect.ts'
import { newAdmission } from './admission.ts'
import { sendError } from './errors.ts'
import { document } from './openapi.ts'
import { userRoutes } from './users.ts'

/** What the partner portal's API needs. */
export interface PartnerApi {
  readonly dir: Directory
  readonly bearer: BearerCheck
  /** Returns the URL of the service, without a slash at the end. */
  readonly publicUrl: () => string
  readonly log: Logger
}

/** Serves the partner portal's API: `/v1`, and its document at `/openapi/customer.json`. */
export function partnerApi(app: FastifyInstance, { dir, bearer, log, publicUrl }: PartnerApi): Promise<void> {
  return serveDialect(app, {
    dir,
    log,
    document,
    documentPath: '/openapi/customer.json',
    publicUrl,
    prefix: '/v1',
    routes: userRoutes.map((declared) => declared(dir)),
    admit: newAdmission(dir, bearer),
    sendError,
  })
}
