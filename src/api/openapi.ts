import type { FastifyInstance, RouteOptions } from 'fastify'
import type { ApiDocument } from './openapi-document.ts'

export type { ApiDocument }

/**
 * Serves an OpenAPI 3.1 document, without authentication. It describes the routes that are registered in the scope
 * after this call. It is made when it is first asked for, because its generator would slow down every start.
 * @param path where the document is served
 * @param document everything but the paths and the servers
 * @param publicUrl returns the URL of the service
 */
export function describeApi(
  app: FastifyInstance,
  path: string,
  document: ApiDocument,
  publicUrl: () => string,
): void {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    // Fastify adds a HEAD route to each GET route, with the same schema. It is no operation of its own.
    if (!routes.some(({ schema }) => schema === route.schema)) routes.push(route)
  })
  const generate = async (): Promise<string> => {
    const { generateDocument } = await import('./openapi-document.ts')
    return JSON.stringify(await generateDocument(document, routes, publicUrl()))
  }
  let text: Promise<string> | undefined
  app.get(path, { schema: { hide: true } }, async (_, reply) => {
    text ??= generate()
    reply.header('content-type', 'application/json; charset=utf-8')
    return text
  })
}
