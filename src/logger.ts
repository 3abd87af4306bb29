import { type Logger, pino, stdSerializers } from 'pino'
import pretty from 'pino-pretty'
import type { LogLevel } from './config.ts'

export type { Logger }

/**
 * The program's log: JSON lines on standard error, or readable ones when that is a terminal. Requests are logged by
 * what they were about; headers, query values and bodies never come near it.
 */
export function newLogger(level: LogLevel): Logger {
  const stream = process.stderr.isTTY
    ? pretty({ destination: 2, colorize: true, ignore: 'pid,hostname' })
    : pino.destination({ dest: 2, sync: true })
  return pino({ level, base: null, serializers: { err: toLoggedError } }, stream)
}

/** An error without what libraries hang on it: a driver's may carry bound values, a client's whole requests. */
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
