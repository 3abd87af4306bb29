import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import Fastify, { type RouteOptions } from 'fastify'
import { shareParts } from './shared-parts.ts'

export type ApiDocument = NonNullable<FastifyDynamicSwaggerOptions['openapi']>

type Operation = {
  operationId?: string
  requestBody?: { required?: boolean; content?: Record<string, { schema?: { type?: unknown } }> }
  security?: unknown
  responses?: Record<string, unknown>
}

/** The methods whose operations the documents describe. */
const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const

/** Who made Usher, and under which licence; the same in every document. */
const ABOUT = {
  contact: { name: 'The Usher contributors' },
  license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
}

/** What HTTP servers send for what they cannot read as HTTP: 400, 408 or 431, before any route. */
const UNREADABLE = { description: 'The request is not valid HTTP, or did not arrive in time.' }

/**
 * Makes the OpenAPI 3.1 document of an API.
 * @param document everything but the paths and the servers
 * @param routes the routes to describe, except those with `hide`
 * @param publicUrl the URL of the service
 */
export async function generateDocument(
  document: ApiDocument,
  routes: readonly RouteOptions[],
  publicUrl: string,
): Promise<object> {
  // The routes themselves are served elsewhere; this app only describes them.
  const app = Fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  const servers = [{ url: publicUrl }, { url: '/', description: 'The server of this document.' }]
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', ...document, info: { ...document.info, ...ABOUT }, servers } as ApiDocument,
    hideUntagged: true,
    exposeHeadRoutes: true,
    // Schemas are named by their titles, in place of def-0, def-1.
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => String(json.title ?? json.$id ?? `def-${i}`),
    },
  })
  for (const { method, url, schema = {}, config = {} } of routes) {
    app.route({ method, url, schema, config, handler: () => undefined })
  }
  await app.ready()
  const made = app.swagger() as { paths?: Record<string, Record<string, Operation>>; security?: unknown }
  for (const path of Object.values(made.paths ?? {})) {
    for (const method of METHODS) if (path[method]) complete(path[method], made.security)
  }
  await app.close()
  shareParts(made)
  return made
}

/** Says in the operation itself what holds for all, because some readers look nowhere else. */
function complete(operation: Operation, security: unknown): void {
  // The plugin appends `-head` to the ids of HEAD operations.
  if (operation.operationId) operation.operationId = operation.operationId.replace(/-head$/, '')
  operation.security ??= security ?? []
  const { requestBody: body } = operation
  if (body && Object.values(body.content ?? {}).every(({ schema }) => mayBeAbsent(schema?.type)))
    body.required = false
  const statuses = Object.keys(operation.responses ?? {})
  if (!statuses.some((status) => status.startsWith('4'))) {
    operation.responses = { ...operation.responses, '4XX': UNREADABLE }
  }
}

/** Returns whether a body of this type may be left out: where there may be null in place of an object. */
function mayBeAbsent(type: unknown): boolean {
  return Array.isArray(type) && type.includes('object') && type.includes('null')
}
