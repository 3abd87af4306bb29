import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuthError } from '../../auth/auth-error.ts'
import { checkSecret, readBasic } from '../../auth/basic.ts'
import type { ClientFinder } from '../../auth/clients.ts'
import { assertSpeaksOsis, clientContext } from '../../directory/access.ts'
import type { Directory } from '../../directory/directory.ts'
import { refuse } from '../../directory/unit.ts'
import type { Operation } from '../../model/audit.ts'
import type { Context } from '../../model/clients.ts'
import { DirectoryError } from '../../model/error.ts'
import { correlate } from '../request.ts'

/** Authenticates the caller by Basic and checks that it may speak this API at all: 401, then 403. */
export async function admit(
  { dir, clients }: { dir: Directory; clients: ClientFinder },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  correlate(request, reply)
  if (request.routeOptions.config.open) return
  const basic = readBasic(request.headers.authorization)
  if (!basic) throw new AuthError('Basic authentication is required', false)
  const ctx = clientContext(await checkSecret(clients, basic.id, basic.secret), request.correlationId)
  await assertScope(dir, ctx, request.routeOptions.config.operation)
  request.context = ctx
}

async function assertScope(dir: Directory, ctx: Context, operation: Operation | undefined): Promise<void> {
  try {
    assertSpeaksOsis(ctx)
  } catch (error) {
    if (!operation || !(error instanceof DirectoryError)) throw error
    await refuse(dir, ctx, { operation }, error)
  }
}
