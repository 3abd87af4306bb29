import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuthError } from '../../auth/auth-error.ts'
import { checkSecret, readBasic } from '../../auth/basic.ts'
import type { ClientFinder } from '../../auth/clients.ts'
import type { OsisTokens } from '../../auth/osis-tokens.ts'
import { assertSpeaksOsis, clientContext } from '../../directory/context.ts'
import type { Directory } from '../../directory/directory.ts'
import { refuse } from '../../directory/unit.ts'
import type { Client } from '../../model/clients.ts'
import type { Context } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import { correlate } from '../request.ts'
import type { AuthMode } from './settings.ts'

interface Admission {
  readonly dir: Directory
  readonly clients: ClientFinder
  readonly tokens: OsisTokens
  readonly authModes: readonly AuthMode[]
}

/** Authenticates the caller and checks that it may speak this API at all: 401, then 403. */
export async function admit(parts: Admission, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  correlate(request, reply)
  if (request.routeOptions.config.open) return
  request.context = await enter(parts.dir, request, await authenticate(parts, request))
}

/** By the scheme that the caller chose, where it is one that is served. */
async function authenticate(
  { clients, tokens, authModes }: Admission,
  request: FastifyRequest,
): Promise<Client> {
  const { authorization } = request.headers
  if (authModes.includes('bearer') && (isBearer(request) || !authModes.includes('basic')))
    return tokens.check(authorization)
  const basic = readBasic(authorization)
  if (!basic) throw new AuthError('Basic authentication is required', false)
  return checkSecret(clients, basic.id, basic.secret)
}

/** Whether the caller comes with a token, right or wrong. */
export function isBearer(request: FastifyRequest): boolean {
  return /^bearer( |$)/i.test(request.headers.authorization ?? '')
}

/**
 * The context of an authenticated client that may speak OSIS.
 * @throws {DirectoryError} `not_permitted`, once the attempt has been recorded
 */
export async function enter(dir: Directory, request: FastifyRequest, client: Client): Promise<Context> {
  const ctx = clientContext(client, request.correlationId)
  try {
    assertSpeaksOsis(ctx)
  } catch (error) {
    const { operation } = request.routeOptions.config
    if (!operation || !(error instanceof DirectoryError)) throw error
    await refuse(dir, ctx, { operation }, error)
  }
  return ctx
}
