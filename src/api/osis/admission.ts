import type { FastifyRequest } from 'fastify'
import { AuthError } from '../../auth/auth-error.ts'
import { checkSecret, readBasic } from '../../auth/basic.ts'
import type { ClientFinder } from '../../auth/clients.ts'
import type { OsisTokens } from '../../auth/osis-tokens.ts'
import { isPermitted } from '../../directory/access.ts'
import { clientContext } from '../../directory/context.ts'
import type { Client } from '../../model/clients.ts'
import type { Context } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import type { Admission } from '../dialect.ts'
import type { AuthMode, OsisSettings } from './settings.ts'

interface AdmissionParts {
  readonly clients: ClientFinder
  readonly tokens: OsisTokens
  readonly settings: Pick<OsisSettings, 'authModes'>
}

/** Creates the admission to the OSIS API: by the scheme that the caller chose, if that is served. */
export function newAdmission({ clients, tokens, settings }: AdmissionParts): Admission {
  const { authModes } = settings
  return async (request) => {
    const { authorization } = request.headers
    if (usesBearer(authModes, request)) return enter(await tokens.check(authorization), request)
    const basic = readBasic(authorization)
    if (!basic) throw new AuthError('Basic authentication is required', false)
    return enter(await checkSecret(clients, basic.id, basic.secret), request)
  }
}

/**
 * Admits an authenticated client. This API has no portals: the context stays that of the client's organization.
 * @throws {DirectoryError} `not_permitted`
 */
export function enter(client: Client, request: FastifyRequest): Context {
  const caller = clientContext(client, request.correlationId)
  request.caller = caller
  // A path without an operation is refused to the same clients as a path with one.
  if (isPermitted(caller, request.routeOptions.config.operation ?? 'ListTenants')) return caller
  const message = `The client's permission is ${caller.permission}; the OSIS API takes osis.`
  throw new DirectoryError('not_permitted', message)
}

/** Returns whether a request is authenticated by a token: if the caller presents one, or if nothing else is served. */
export function usesBearer(authModes: readonly AuthMode[], request: FastifyRequest): boolean {
  if (!authModes.includes('bearer')) return false
  return !authModes.includes('basic') || /^bearer( |$)/i.test(request.headers.authorization ?? '')
}
