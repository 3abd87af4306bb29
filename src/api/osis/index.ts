import type { FastifyInstance } from 'fastify'
import type { ClientFinder } from '../../auth/clients.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Reconciler } from '../../provisioning/reconciler.ts'
import { acceptJson } from '../json-body.ts'
import { describeApi } from '../openapi.ts'
import { type FailureLog, toFailure, UnknownPathError } from '../request.ts'
import { newValidatorCompiler } from '../validation.ts'
import { admit } from './admission.ts'
import { answerError, NotImplementedError } from './errors.ts'
import { registerInfo } from './info.ts'
import { document } from './openapi.ts'
import { NOT_IMPLEMENTED } from './operations.ts'
import { registerTenants } from './tenants.ts'
import { registerUsers } from './users.ts'

export interface OsisApi {
  readonly dir: Directory
  readonly clients: ClientFinder
  readonly reconciler: Reconciler
  readonly publicUrl: () => string
  readonly log: FailureLog
}

/** OSIS: `/api`, and its document at `/openapi/osis.json`. */
export async function osisApi(app: FastifyInstance, parts: OsisApi): Promise<void> {
  await describeApi(app, '/openapi/osis.json', document)
  await app.register(
    async (api) => {
      acceptJson(api)
      api.setValidatorCompiler(newValidatorCompiler())
      api.setErrorHandler(async (error: Error, request, reply) => {
        const failure = await toFailure(parts.dir, request, error)
        if (answerError(failure, reply)) parts.log(request, failure)
        return reply
      })
      api.setNotFoundHandler((request, reply) => {
        answerError(new UnknownPathError(request), reply)
      })
      api.addHook('onRequest', (request, reply) => admit(parts, request, reply))
      registerInfo(api, parts.reconciler, parts.publicUrl)
      registerTenants(api, parts.dir)
      registerUsers(api, parts.dir, parts.reconciler)
      for (const { id, method, url } of NOT_IMPLEMENTED) {
        api.route({
          method,
          url,
          handler: async () => {
            throw new NotImplementedError(id)
          },
        })
      }
    },
    { prefix: '/api' },
  )
}
