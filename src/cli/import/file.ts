import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'

/** The encodings that an import understands, by their names in the Encoding Standard. */
export type Encoding = 'utf-8' | 'windows-1252' | 'utf-16le' | 'utf-16be'

/** What one reading of a file finds out about it. */
export interface FileProfile {
  readonly path: string
  readonly bytes: number
  /** The SHA-256 of its bytes. */
  readonly hash: string
  readonly encoding: Encoding
  /** The number of bytes of the byte-order mark; 0 without one. */
  readonly bom: number
  /** The byte that ends its lines. */
  readonly lineEnd: 10 | 13
  /** `ndjson` if the first character that is not white space is a brace. */
  readonly format: 'csv' | 'ndjson'
}

/** The file cannot be imported at all. The message begins with the path. */
export class FileError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'FileError'
  }
}

const CHUNK_BYTES = 64 * 1024
const LF = 0x0a
const CR = 0x0d

/**
 * Reads a file once, in constant memory, to learn what an import must know before its first row. A file that is not
 * UTF-8 and has no byte-order mark is taken for Windows-1252, which spreadsheets write.
 * @throws {FileError} if it cannot be read, or is not a regular file: it is read twice
 */
export async function profileFile(path: string): Promise<FileProfile> {
  const { size } = await statFile(path)
  const hash = createHash('sha256')
  const utf8 = new Utf8Check()
  let [start, hasLf, hasCr] = [Buffer.alloc(0), false, false]
  try {
    for await (const chunk of createReadStream(path, {
      highWaterMark: CHUNK_BYTES,
    }) as AsyncIterable<Buffer>) {
      hash.update(chunk)
      utf8.push(chunk)
      if (start.length < CHUNK_BYTES) start = Buffer.concat([start, chunk]).subarray(0, CHUNK_BYTES)
      hasLf ||= chunk.includes(LF)
      hasCr ||= chunk.includes(CR)
    }
  } catch (error) {
    throw new FileError(`${path} cannot be read: ${(error as Error).message}`)
  }
  const { encoding, bom } = findEncoding(start, utf8.end())
  const text = new TextDecoder(encoding).decode(start.subarray(bom))
  return {
    ...{ path, bytes: size, hash: hash.digest('base64url'), encoding, bom },
    lineEnd: hasCr && !hasLf ? CR : LF,
    format: text.trimStart().startsWith('{') ? 'ndjson' : 'csv',
  }
}

async function statFile(path: string): Promise<{ size: number }> {
  const found = await stat(path).catch((error: Error) => {
    throw new FileError(`${path} cannot be read: ${error.message}`)
  })
  if (!found.isFile()) throw new FileError(`${path} is not a regular file; an import reads its file twice`)
  return found
}

function findEncoding(start: Buffer, isUtf8File: boolean): { encoding: Encoding; bom: number } {
  if (start.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])))
    return { encoding: isUtf8File ? 'utf-8' : 'windows-1252', bom: 3 }
  if (start[0] === 0xff && start[1] === 0xfe) return { encoding: 'utf-16le', bom: 2 }
  if (start[0] === 0xfe && start[1] === 0xff) return { encoding: 'utf-16be', bom: 2 }
  return { encoding: isUtf8File ? 'utf-8' : 'windows-1252', bom: 0 }
}

/** Checks a stream for UTF-8. A character may be spread over two chunks. */
class Utf8Check {
  #rest = Buffer.alloc(0)
  #valid = true

  push(chunk: Buffer): void {
    if (!this.#valid) return
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    const end = findLastStart(bytes)
    this.#rest = Buffer.from(bytes.subarray(end))
    this.#valid = isUtf8(bytes.subarray(0, end))
  }

  end(): boolean {
    return this.#valid && isUtf8(this.#rest)
  }
}

/** Returns where the last character begins that may be incomplete; the length if there is none. */
function findLastStart(bytes: Buffer): number {
  for (let i = bytes.length - 1; i >= 0 && i >= bytes.length - 4; i--) {
    const byte = bytes[i] as number
    if (byte < 0x80) return i + 1
    if (byte >= 0xc0) return i
  }
  return bytes.length
}

/**
 * Reads the bytes of a profiled file, without a byte-order mark, as UTF-8 or in its encoding of one byte a character.
 * Each chunk is valid until the next one is read: they share their memory.
 * @param noteRead gets the number of bytes of each chunk
 */
export async function* readBytes(
  { path, bom, encoding }: FileProfile,
  noteRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const decoder = encoding.startsWith('utf-16') ? new TextDecoder(encoding) : undefined
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let at = bom; ; ) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at)
      const chunk = buffer.subarray(0, bytesRead)
      noteRead(bytesRead)
      if (decoder) yield Buffer.from(decoder.decode(chunk, { stream: bytesRead > 0 }))
      else if (bytesRead > 0) yield chunk
      if (bytesRead === 0) return
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}
