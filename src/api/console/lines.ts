import { toLineBody } from '../line-body.ts'
import type { Route } from '../route.ts'
import { type Admitted, type ConsoleCall, serve } from './operation.ts'

/** A file of lines, too many to be in memory. */
export interface LineResponse {
  /** Among them the media type. */
  readonly headers: Readonly<Record<string, string>>
  readonly lines: AsyncIterable<string>
}

/**
 * Makes the route of an operation of the contract whose response is lines.
 * @param handle makes one call of `directory`. An error counts as one of the request until the first lines are sent; a
 *   later one cuts the connection
 */
export function serveLines<const D extends Admitted, P>(
  declared: D,
  handle: (call: Omit<ConsoleCall<D>, 'expected' | 'body'>, parts: P) => LineResponse,
): Route<P> {
  const declaration = serve(declared, (): never => {
    throw new Error('the response is lines')
  })
  return (parts) => ({
    ...declaration(parts),
    async handler(request, reply) {
      const { context: ctx, params, query } = request
      if (!ctx) throw new Error('the request was not admitted')
      const { headers, lines } = handle({ ctx, params, query } as ConsoleCall<D>, parts)
      const body = await toLineBody(lines)
      reply.headers(headers)
      return body
    },
  })
}
