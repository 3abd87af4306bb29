import type { FastifyRequest } from 'fastify'
import { AuthError } from '../../auth/auth-error.ts'
import { readBasic, type SecretCheck } from '../../auth/clients.ts'
import type { OsisTokens } from '../../auth/osis-tokens.ts'
import { isPermitted } from '../../directory/access.ts'
import { clientContext } from '../../directory/context.ts'
import type { Client } from '../../model/clients.ts'
import type { Context } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import type { Admission } from '../dialect.ts'
import type { AuthMode, OsisSettings } from './settings.ts'

interface AdmissionParts {
  readonly checkSecret: SecretCheck
  readonly tokens: OsisTokens
  readonly settings: Pick<OsisSettings, 'authModes'>
}

/** Creates the admission to the OSIS API. It accepts Basic and bearer authentication, as far as the settings allow. */
export function newAdmission({ checkSecret, tokens, settings }: AdmissionParts): Admission {
  const { authModes } = settings
  return async (request) => {
    const { authorization } = request.headers
    if (usesBearer(authModes, request)) return enter(await tokens.check(authorization), request)
    const basic = readBasic(authorization)
    if (!basic) throw new AuthError('Basic authentication is required', { presented: false })
    return enter(await checkSecret(basic.id, basic.secret), request)
  }
}

/**
 * Admits an authenticated client. This API has no portals, so the context is that of the client's own organization.
 * @throws {DirectoryError} `not_permitted`
 */
export function enter(client: Client, request: FastifyRequest): Context {
  const caller = clientContext(client, request.correlationId, request.ip)
  request.caller = caller
  // Paths without an operation are refused to the same clients as those with one.
  if (isPermitted(caller, request.routeOptions.config.operation ?? 'ListTenants')) return caller
  const message = `The client's permission is ${caller.permission}; the OSIS API takes osis.`
  throw new DirectoryError('not_permitted', message)
}

/** Returns whether a request is authenticated with a token: it presents one, or the settings allow nothing else. */
export function usesBearer(authModes: readonly AuthMode[], request: FastifyRequest): boolean {
  if (!authModes.includes('bearer')) return false
  return !authModes.includes('basic') || /^bearer( |$)/i.test(request.headers.authorization ?? '')
}
