import { fstatSync, readFileSync, readlinkSync, writeSync } from 'node:fs'
import { escapeLine } from '../escape.ts'
import type { TextSink } from '../logger.ts'

/** The output of a command cannot be written: the disk is full, or the reader has closed the pipe. */
export class OutputError extends Error {
  /** Whether the reader has closed the pipe, as `head` does when it has enough. */
  readonly isClosed: boolean

  constructor(cause: Error) {
    super(`standard output cannot be written: ${cause.message}`, { cause })
    this.name = 'OutputError'
    const { code } = cause as NodeJS.ErrnoException
    this.isClosed = code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'
  }
}

/** The output with a secret could not be written. The message says what was removed, and what to do. */
export class LostSecretError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'LostSecretError'
  }
}

/**
 * Writes text to standard output. When it returns, all of the text has been written.
 * @throws {OutputError}
 */
export async function writeOutput(sink: TextSink, text: string): Promise<void> {
  try {
    if (sink.fd === undefined) sink.write(text)
    else if (isFile(sink.fd)) writeAll(sink.fd, text)
    else await writeToStream(sink, text)
  } catch (error) {
    throw new OutputError(error as Error)
  }
}

/** Writes lines for people. Whatever the lines quote, each stays one line of visible characters. */
export function writeLines(sink: TextSink, lines: readonly string[]): Promise<void> {
  return writeOutput(sink, `${lines.map(escapeLine).join('\n')}\n`)
}

/** Writes a message to standard error. If that fails, the message is lost, since there is no other place for it. */
export function complain(sink: TextSink, message: string): void {
  sink.write(`usher: ${escapeLine(message)}\n`)
}

/**
 * Checks that standard output is open, before a command makes a secret that is shown only once.
 * @throws {OutputError}
 */
export function assertOpen(sink: TextSink): void {
  if (!isOpen(sink)) throw new OutputError(new Error('it is closed'))
}

/** Returns whether standard output was open when the process started. */
export function isOpen({ fd }: TextSink): boolean {
  return fd === undefined || !isReplaced(fd)
}

/** Files, and devices such as /dev/full. Node's own streams do not notice if a disk takes only a part of a text. */
function isFile(fd: number): boolean {
  const stats = fstatSync(fd)
  return stats.isFile() || stats.isCharacterDevice()
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written)
    } catch (error) {
      // EAGAIN: the terminal is busy.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

function writeToStream(sink: TextSink, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

/**
 * Returns whether a descriptor was closed. Node then opens /dev/null in its place, for reading and writing; a shell opens
 * it for writing only. Known on Linux alone.
 */
function isReplaced(fd: number): boolean {
  try {
    if (readlinkSync(`/proc/self/fd/${fd}`) !== '/dev/null') return false
    const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
    return (Number.parseInt(flags, 8) & 0o3) === 2
  } catch {
    return false
  }
}
