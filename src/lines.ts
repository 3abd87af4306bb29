const LF = 0x0a

/** One line of a stream of bytes. */
export interface Line {
  /** Its number, from 1. */
  readonly number: number
  /** Its bytes without the line end, but with a carriage return before it; null if the line is too long. */
  readonly bytes: Buffer | null
}

/** How a stream is cut into lines. */
export interface LineOptions {
  /** The most bytes of a line. The rest of a longer one is dropped, so that memory stays bounded. */
  readonly maxBytes: number
  /** The byte that ends a line: 10 by default; 13 for files of classic Mac OS. */
  readonly end?: 10 | 13
}

/**
 * Cuts a stream of bytes into lines, and returns the lines of each chunk together: one at a time would cost more than
 * all other work on them. A last line without an end counts. The lines of a batch are valid until the next one is read:
 * their bytes are those of the chunk.
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  { maxBytes, end = LF }: LineOptions,
): AsyncGenerator<Line[]> {
  const cutter = new LineCutter(maxBytes, end)
  for await (const chunk of chunks) {
    const lines = cutter.push(chunk)
    if (lines.length > 0) yield lines
  }
  const last = cutter.end()
  if (last) yield [last]
}

class LineCutter {
  readonly #maxBytes: number
  readonly #end: number
  #number = 0
  /** What has arrived of the line that is not complete yet. */
  #rest: Buffer[] = []
  #restBytes = 0
  #tooLong = false

  constructor(maxBytes: number, end: number) {
    this.#maxBytes = maxBytes
    this.#end = end
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let from = 0
    for (let at = chunk.indexOf(this.#end); at >= 0; at = chunk.indexOf(this.#end, from)) {
      lines.push(this.#cut(chunk.subarray(from, at)))
      from = at + 1
    }
    this.#keep(chunk.subarray(from))
    return lines
  }

  end(): Line | undefined {
    if (this.#restBytes === 0 && !this.#tooLong) return undefined
    return this.#cut(Buffer.alloc(0))
  }

  #keep(part: Buffer): void {
    if (part.length === 0 || this.#tooLong) return
    this.#tooLong = this.#restBytes + part.length > this.#maxBytes
    if (this.#tooLong) this.#rest = []
    else this.#rest.push(Buffer.from(part))
    this.#restBytes = this.#tooLong ? 0 : this.#restBytes + part.length
  }

  /** @param part the last part of the line */
  #cut(part: Buffer): Line {
    this.#number++
    const { length: parts } = this.#rest
    const bytes = parts === 0 ? part : Buffer.concat([...this.#rest, part])
    const isTooLong = this.#tooLong
    this.#rest = []
    this.#restBytes = 0
    this.#tooLong = false
    return { number: this.#number, bytes: isTooLong || bytes.length > this.#maxBytes ? null : bytes }
  }
}
