import type { FastifyInstance } from 'fastify'
import { buildServer, type ServerParts } from '../../src/api/server.ts'
import { newLogger } from '../../src/logger.ts'

/**
 * Builds the HTTP server over parts that no test of it reaches: requests end before they need a directory.
 * @param requestMs how long a request may take to arrive; the server's own limit when left out
 */
export async function buildBareServer(
  parts: Partial<ServerParts> = {},
  requestMs?: number,
): Promise<FastifyInstance> {
  const bare = {
    trustedProxies: [],
    rateLimits: { requestsPerMinute: 0, failuresPerMinute: 0 },
    osisSettings: { authModes: ['basic', 'bearer'], prefix: '', s3CapabilitiesFile: null, consoleUrl: null },
    s3Capabilities: { exclusions: {} },
    log: await newLogger('silent', process.stderr),
    observeRequest: () => undefined,
    metricsApart: false,
    console: null,
    ...parts,
  }
  return buildServer(bare as unknown as ServerParts, requestMs)
}
