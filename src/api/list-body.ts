import { Readable } from 'node:stream'

/**
 * Returns a list as JSON: as text if it has only one part, else as a stream. A part may be empty. A failure of the
 * first two parts is an error of the request. A later failure cuts the connection, so that the caller does not take the
 * part for the whole.
 */
export async function toListBody(parts: AsyncIterable<readonly unknown[]>): Promise<string | Readable> {
  const iterator = parts[Symbol.asyncIterator]()
  const [first, second] = [await iterator.next(), await iterator.next()]
  if (second.done) return JSON.stringify(first.value ?? [])
  async function* write(): AsyncGenerator<string> {
    let before = '['
    for (let part: IteratorResult<readonly unknown[]> = first; !part.done; ) {
      if (part.value.length > 0) {
        yield before + JSON.stringify(part.value).slice(1, -1)
        before = ','
      }
      part = part === first ? second : await iterator.next()
    }
    yield before === '[' ? '[]' : ']'
  }
  return Readable.from(write(), { objectMode: false })
}
