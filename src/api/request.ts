import type { FastifyRequest } from 'fastify'
import type { Operation } from '../model/audit.ts'
import type { Context } from '../model/clients.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route does, by the one name that access rules, audit, metrics and documents share. */
    operation?: Operation
    /** Served without authentication. */
    open?: boolean
  }
  interface FastifyRequest {
    /** In whose name the request is made; set once the caller is authenticated. */
    context: Context | null
    correlationId: string
  }
}

/** Nothing is served under a path. */
export class UnknownPathError extends Error {
  constructor(request: { method: string; url: string }) {
    super(`There is no ${request.method} ${request.url.split('?', 1)[0]}.`)
    this.name = 'UnknownPathError'
  }
}

/** Logs a request that failed through a fault of ours. */
export type FailureLog = (request: FastifyRequest, error: Error) => void
