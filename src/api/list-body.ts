import { Readable } from 'node:stream'

/**
 * Returns a list as JSON: as text if it has only one part, else as a stream. A failure of the first two parts is an
 * error of the request. A later failure cuts the connection, so that the caller does not take the part for the whole.
 */
export async function toListBody(parts: AsyncIterable<unknown>): Promise<string | Readable> {
  const iterator = parts[Symbol.asyncIterator]()
  const [first, second] = [await iterator.next(), await iterator.next()]
  if (second.done) return JSON.stringify(first.value ?? [])
  const toItems = (part: unknown): string => JSON.stringify(part).slice(1, -1)
  async function* write(): AsyncGenerator<string> {
    yield `[${toItems(first.value)},${toItems(second.value)}`
    for (let part = await iterator.next(); !part.done; part = await iterator.next())
      yield `,${toItems(part.value)}`
    yield ']'
  }
  return Readable.from(write(), { objectMode: false })
}
