import type { FastifyRequest } from 'fastify'
import type { BearerCheck } from '../../auth/bearer.ts'
import { assertPermitted, clientContext, enterPortal } from '../../directory/context.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Context } from '../../model/context.ts'
import { MAX_TEXT } from '../../model/text.ts'

/**
 * Authenticates the caller of a request by its bearer token.
 * @returns the caller's context, with the portal as the request names it, so that a refusal records it
 * @throws {AuthError}
 */
export async function authenticate(bearer: BearerCheck, request: FastifyRequest): Promise<Context> {
  const client = await bearer(request.headers.authorization)
  const domain = readPortal(request)
  return { ...clientContext(client, request.correlationId), portal: domain?.slice(0, MAX_TEXT) ?? null }
}

/**
 * Checks the caller's permission, then narrows the context to the portal in `X-Tenant`. The schema reports a missing
 * header, together with everything else that is wrong.
 * @throws {DirectoryError} `not_permitted`, `portal_not_in_context`, `store_unavailable`
 */
export function admit(dir: Directory, caller: Context, request: FastifyRequest): Context | Promise<Context> {
  const { operation, queryNames } = request.routeOptions.config
  if (operation) assertPermitted(caller, operation)
  if (queryNames?.size) request.query = spellNames(request.query as Query, queryNames)
  const domain = readPortal(request)
  return domain ? enterPortal(dir, caller, domain) : { ...caller, portal: null }
}

function readPortal({ headers }: FastifyRequest): string | undefined {
  const domain = headers['x-tenant']
  return typeof domain === 'string' ? domain : undefined
}

type Query = Readonly<Record<string, unknown>>

/** Query names match in any case. A repeated parameter becomes a list, which the schema refuses. */
function spellNames(query: Query, names: ReadonlyMap<string, string>): Query {
  const spelled: Record<string, unknown> = {}
  for (const [written, value] of Object.entries(query)) {
    const name = names.get(written.toLowerCase()) ?? written
    spelled[name] = name in spelled ? [spelled[name], value].flat() : value
  }
  return spelled
}
