import type { FastifyInstance } from 'fastify'
import type { ClientFinder } from '../../auth/clients.ts'
import type { OsisTokens } from '../../auth/osis-tokens.ts'
import type { Directory } from '../../directory/directory.ts'
import type { PlatformView } from '../../provisioning/platform-view.ts'
import type { Reconciler } from '../../provisioning/reconciler.ts'
import { acceptJson } from '../json-body.ts'
import { describeApi } from '../openapi.ts'
import { type FailureLog, toFailure, UnknownPathError } from '../request.ts'
import { newValidatorCompiler } from '../validation.ts'
import { admit } from './admission.ts'
import { registerCredentials } from './credentials.ts'
import { answerError } from './errors.ts'
import { registerInfo } from './info.ts'
import { registerAuth } from './login.ts'
import { describe } from './openapi.ts'
import { registerPlatform } from './platform.ts'
import type { OsisSettings } from './settings.ts'
import { registerTenants } from './tenants.ts'
import { registerUsers } from './users.ts'

export interface OsisApi {
  readonly dir: Directory
  readonly clients: ClientFinder
  readonly tokens: OsisTokens
  readonly reconciler: Reconciler
  readonly platform: PlatformView
  readonly settings: OsisSettings
  readonly publicUrl: () => string
  readonly log: FailureLog
}

/** OSIS: `/api`, behind the operator's prefix if there is one, and its document at `/openapi/osis.json`. */
export async function osisApi(app: FastifyInstance, parts: OsisApi): Promise<void> {
  const { platform, settings } = parts
  const { authModes } = settings
  await describeApi(app, '/openapi/osis.json', describe(authModes))
  await app.register(
    async (api) => {
      acceptJson(api)
      api.setValidatorCompiler(newValidatorCompiler())
      api.setErrorHandler(async (error: Error, request, reply) => {
        const failure = await toFailure(parts.dir, request, error)
        if (answerError(failure, request, reply, authModes)) parts.log(request, failure)
        return reply
      })
      api.setNotFoundHandler((request, reply) => {
        answerError(new UnknownPathError(request), request, reply, authModes)
      })
      api.addHook('onRequest', (request, reply) => admit({ ...parts, authModes }, request, reply))
      registerInfo(api, parts)
      if (authModes.includes('bearer')) registerAuth(api, parts)
      registerTenants(api, parts)
      registerUsers(api, parts)
      registerCredentials(api, parts)
      registerPlatform(api, platform, settings)
    },
    { prefix: `${settings.prefix}/api` },
  )
}
