import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'

export type ApiDocument = NonNullable<FastifyDynamicSwaggerOptions['openapi']>

/**
 * Collects the schemas of the routes that are registered in this scope from now on into an OpenAPI 3.1 document,
 * and serves it without authentication.
 */
export async function describeApi(app: FastifyInstance, path: string, document: ApiDocument): Promise<void> {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', ...document },
    hideUntagged: true,
    exposeHeadRoutes: true,
    // Names that schemas give themselves, in place of def-0, def-1.
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => String(json.title ?? json.$id ?? `def-${i}`),
    },
  })
  let text: string | undefined
  app.get(path, { schema: { hide: true } }, async (_, reply) => {
    text ??= JSON.stringify(app.swagger(), withOwnIds)
    reply.header('content-type', 'application/json; charset=utf-8')
    return text
  })
}

/** HEAD routes here are operations of their own; the plugin takes them for echoes of GET, and marks their ids so. */
function withOwnIds(name: string, value: unknown): unknown {
  return name === 'operationId' ? String(value).replace(/-head$/, '') : value
}
