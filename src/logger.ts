import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { escapeDecoded, escapeJson } from './escape.ts'
import type { LogLevel } from './setting-values.ts'

export type { Logger }

/** A target for text: a stream such as `process.stderr`, or an object that collects it. */
export interface TextSink {
  /** @param done is called when the text was written, or with the error; only a sink with a file descriptor calls it */
  write(text: string, done?: (error?: Error | null) => void): unknown
  /** The file descriptor of a stream that has one. */
  readonly fd?: number
  readonly isTTY?: boolean
  /** The width of a terminal. */
  readonly columns?: number
}

/** The most text that waits for a log that cannot be written, in characters. Lines beyond it are lost. */
const MAX_WAITING = 1024 * 1024

/**
 * Makes the program's log: JSON lines, or readable lines when `target` is a terminal. Code that logs a request names
 * the operation and the ids; headers, query values and bodies are never passed to it. Characters that a terminal obeys
 * are escaped. Lines that cannot be written are lost: the server goes on without its log.
 * @param target gets the lines; if it has a file descriptor, they are written to that synchronously, without a buffer
 */
export async function newLogger(level: LogLevel, target: TextSink): Promise<Logger> {
  return pino({ level, base: null, serializers: { err: toLoggedError } }, await toDestination(target))
}

async function toDestination(target: TextSink): Promise<DestinationStream> {
  const { fd, isTTY } = target
  if (fd === undefined) return { write: (line) => target.write(escapeJson(line)) }
  const file = pino.destination({ dest: fd, sync: true, maxLength: MAX_WAITING })
  file.on('error', () => undefined)
  if (isTTY) {
    // Loaded only here: a service, whose log is no terminal, starts sooner without it.
    const { default: pretty } = await import('pino-pretty')
    const readable = pretty({ destination: file, colorize: true, ignore: 'pid,hostname' })
    return { write: (line) => readable.write(escapeDecoded(line)) }
  }
  return { write: (line) => file.write(escapeJson(line)) }
}

/** Drops the extra properties of an error: a database driver adds bound values, an HTTP client whole requests. */
function toLoggedError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { type, message, stack } = stdSerializers.err(error)
  const { cause } = error
  return {
    type,
    message,
    stack,
    ...(cause instanceof Error && { cause: { message: cause.message, stack: cause.stack } }),
  }
}
