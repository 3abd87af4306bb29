import type { FastifyInstance } from 'fastify'
import type { BearerCheck } from '../../auth/bearer.ts'
import type { Directory } from '../../directory/directory.ts'
import { acceptJson } from '../json-body.ts'
import { describeApi } from '../openapi.ts'
import { type FailureLog, toFailure, UnknownPathError } from '../request.ts'
import { newValidatorCompiler } from '../validation.ts'
import { admit } from './admission.ts'
import { answerError } from './errors.ts'
import { document } from './openapi.ts'
import { registerUsers } from './users.ts'

export interface PartnerApi {
  readonly dir: Directory
  readonly bearer: BearerCheck
  readonly log: FailureLog
}

/** The partner portal's API: `/v1`, and its document at `/openapi/customer.json`. */
export async function partnerApi(app: FastifyInstance, parts: PartnerApi): Promise<void> {
  await describeApi(app, '/openapi/customer.json', document)
  await app.register(
    async (v1) => {
      acceptJson(v1)
      v1.setValidatorCompiler(newValidatorCompiler())
      v1.setErrorHandler(async (error: Error, request, reply) => {
        const failure = await toFailure(parts.dir, request, error)
        if (answerError(failure, request, reply)) parts.log(request, failure)
        return reply
      })
      v1.setNotFoundHandler((request, reply) => {
        answerError(new UnknownPathError(request), request, reply)
      })
      v1.addHook('onRequest', (request, reply) => admit(parts, request, reply))
      registerUsers(v1, parts.dir)
    },
    { prefix: '/v1' },
  )
}
