import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'

/** The largest request body, in bytes. */
export const BODY_LIMIT = 1024 * 1024

/** A body that is no JSON text (RFC 8259). The message says where, and quotes nothing of it. */
export class MalformedBodyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MalformedBodyError'
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
  if (!isUtf8(body)) throw new MalformedBodyError('is not UTF-8')
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1]
    throw new MalformedBodyError(
      position ? `is not JSON: see position ${position}` : 'is not JSON: it ends too early',
    )
  }
}
