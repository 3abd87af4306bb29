import { NDJSON_TYPE, toLineBody } from './line-body.ts'
import {
  type Call,
  type RequestSchemas,
  type ResponseSchemas,
  type Route,
  type RouteDeclaration,
  spellings,
  toTexts,
} from './route.ts'

interface LineCall<Schemas extends RequestSchemas> extends Omit<Call<Schemas>, 'body'> {
  /** The body of the request: lines of JSON. */
  readonly lines: AsyncIterable<Buffer>
}

type LineDeclaration<Schemas extends RequestSchemas, Parts> = Omit<
  RouteDeclaration<Schemas, ResponseSchemas, Parts>,
  'handle' | 'bodyLimit'
> & {
  /** Reads the lines, and returns those of the response. An error counts until the first of them are sent. */
  readonly handle: (
    call: LineCall<Schemas>,
    parts: Parts,
  ) => Promise<{ readonly headers: Readonly<Record<string, string>>; readonly lines: AsyncIterable<string> }>
}

/**
 * Declares a route whose request and response are lines of JSON, too many to be in memory. Otherwise it is like
 * `route`.
 */
export function lineRoute<Schemas extends RequestSchemas, Parts>(
  declared: LineDeclaration<Schemas, Parts>,
): Route<Parts> {
  const { method, url, document, schemas, responses, operation, subject, handle } = declared
  const names = { headerNames: spellings(schemas.headers), queryNames: spellings(schemas.querystring) }
  const config = { takesLines: true, ...(operation && { operation }), ...(subject && { subject }), ...names }
  const body = { description: 'One JSON object a line.', content: { [NDJSON_TYPE]: { schema: {} } } }
  return (parts) => ({
    method,
    url,
    config,
    schema: { ...toTexts(document), ...schemas, body, response: responses },
    async handler(request, reply) {
      const { context: ctx, params, query, headers } = request
      if (!ctx) throw new Error('the request was not admitted')
      const lines = (request.body ?? []) as AsyncIterable<Buffer>
      const response = await handle({ ctx, params, query, headers, lines } as LineCall<Schemas>, parts)
      const text = await toLineBody(response.lines)
      reply.code(200).headers(response.headers).header('content-type', NDJSON_TYPE)
      return text
    },
  })
}
