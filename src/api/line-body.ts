import { Readable } from 'node:stream'

/** The media type of bodies that have one JSON value a line. */
export const NDJSON_TYPE = 'application/x-ndjson'

/** The most characters of a response that wait until the request has been read. */
const MAX_WAITING = 8 * 1024 * 1024

/**
 * Returns lines as a body. Most callers read the response after they have sent the whole request, so lines are
 * collected while the request is read. A failure until then is an error of the request. If they become too many, the
 * response begins, and the rest of the request is read as fast as the caller reads; a failure then cuts the connection.
 */
export async function toLineBody(lines: AsyncIterable<string>): Promise<string | Readable> {
  const iterator = lines[Symbol.asyncIterator]()
  const waiting: string[] = []
  let length = 0
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    waiting.push(next.value)
    length += next.value.length
    if (length > MAX_WAITING) return Readable.from(goOn(waiting, iterator), { objectMode: false })
  }
  return waiting.join('')
}

async function* goOn(waiting: readonly string[], iterator: AsyncIterator<string>): AsyncGenerator<string> {
  try {
    yield waiting.join('')
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  } finally {
    // The caller may have gone: the lines must learn of it, because they hold a place that others wait for.
    await iterator.return?.()
  }
}
