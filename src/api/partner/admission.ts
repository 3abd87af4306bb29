import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BearerCheck } from '../../auth/bearer.ts'
import { assertPermitted, clientContext, enterPortal } from '../../directory/context.ts'
import type { Directory } from '../../directory/directory.ts'
import { refuse } from '../../directory/unit.ts'
import type { Client } from '../../model/clients.ts'
import type { Context } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { correlate } from '../request.ts'
import { QUERY_NAMES } from './schemas.ts'

/** Authenticates the caller and finds the context, before the body is read: 401, then 403. */
export async function admit(
  { dir, bearer }: { dir: Directory; bearer: BearerCheck },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { headers } = request
  correlate(request, reply)
  if (request.url.includes('?')) request.query = spellNames(request.query as Record<string, unknown>)
  request.context = await findContext(dir, request, await bearer(headers.authorization))
}

async function findContext(dir: Directory, request: FastifyRequest, client: Client): Promise<Context> {
  const ctx = clientContext(client, request.correlationId)
  const { operation } = request.routeOptions.config
  const domain = request.headers['x-tenant']
  try {
    if (operation) assertPermitted(ctx, operation)
    // A missing header is the schema's to report, together with everything else that is wrong.
    return typeof domain === 'string' && domain !== '' ? await enterPortal(dir, ctx, domain) : ctx
  } catch (error) {
    if (!operation || !(error instanceof DirectoryError) || error.code === 'store_unavailable') throw error
    const portal = typeof domain === 'string' ? domain.slice(0, MAX_TEXT) : null
    return refuse(dir, { ...ctx, portal }, { operation }, error)
  }
}

/** Query names in their documented spelling, however they were written. A repeated one stays repeated, for the schema to refuse. */
function spellNames(query: Record<string, unknown>): Record<string, unknown> {
  const spelled: Record<string, unknown> = {}
  for (const [written, value] of Object.entries(query)) {
    const name = QUERY_NAMES.get(written.toLowerCase()) ?? written
    spelled[name] = name in spelled ? [spelled[name], value].flat() : value
  }
  return spelled
}
