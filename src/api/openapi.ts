import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'

export type ApiDocument = NonNullable<FastifyDynamicSwaggerOptions['openapi']>

/**
 * Serves an OpenAPI 3.1 document, without authentication. It describes the routes that are registered in the scope
 * after this call.
 * @param path where the document is served
 * @param document everything but the paths
 */
export async function describeApi(app: FastifyInstance, path: string, document: ApiDocument): Promise<void> {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', ...document },
    hideUntagged: true,
    exposeHeadRoutes: true,
    // Schemas are named by their titles, in place of def-0, def-1.
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

/** Restores the ids of HEAD operations, to which the plugin appends `-head`. */
function withOwnIds(name: string, value: unknown): unknown {
  return name === 'operationId' ? String(value).replace(/-head$/, '') : value
}
