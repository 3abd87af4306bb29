import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'

/** The largest request body, in bytes. */
export const BODY_LIMIT = 1024 * 1024

/** Why a body could not be read at all. */
export type BodyFault = 'malformed' | 'too_large' | 'unsupported'

/** A body that never reached a handler. The message says where it went wrong, and quotes nothing of it. */
export class BodyError extends Error {
  readonly fault: BodyFault

  constructor(fault: BodyFault, message: string) {
    super(message)
    this.name = 'BodyError'
    this.fault = fault
  }
}

/** Fastify's own errors about bodies, in our words; any other error stays what it is. */
export function toBodyError(error: Error): Error {
  switch ((error as { code?: string }).code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new BodyError('too_large', 'is larger than 1 MiB')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new BodyError('unsupported', 'must be application/json')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new BodyError('malformed', 'is not as long as its Content-Length says')
    default:
      return error
  }
}

/**
 * Parses JSON bodies in a plugin's scope. An empty body is absent, not malformed: clients send
 * `Content-Type: application/json` with nothing behind it.
 */
export function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    (_, body, done) => {
      try {
        done(null, parseJson(body))
      } catch (error) {
        done(error as Error)
      }
    },
  )
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined
  // Decoding would replace a broken sequence by U+FFFD and store what nobody sent.
  if (!isUtf8(body)) throw new BodyError('malformed', 'is not UTF-8')
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new BodyError('malformed', `is not JSON${whereOf((error as Error).message)}`)
  }
}

/** Where parsing stopped, out of V8's message, which may quote the text itself before it. */
function whereOf(message: string): string {
  const position = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1]
  if (position !== undefined) return `: see position ${position}`
  return message.startsWith('Unexpected end') ? ': it ends too early' : ''
}
