import { ConfigError } from '../config.ts'
import { SealError } from '../directory/sealing/sealer.ts'
import { DirectoryError, type Issue } from '../model/error.ts'
import { PlatformError } from '../platform/platform.ts'
import { StoreError } from '../store/port.ts'
import { FileError } from './import/file.ts'
import { toOptionName } from './names.ts'
import { LostSecretError, OutputError } from './output.ts'

/**
 * Explains why a command failed.
 * @returns one line for each problem that the operator can solve; the stack of any other error
 */
export function explainError(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems
  if (error instanceof DirectoryError) {
    const { cause, issues } = error
    if (cause instanceof StoreError) return [cause.message]
    return issues.length > 0 ? [issues.map(explainIssue).join('; ')] : [error.message]
  }
  // The work failed, and so did closing what it used.
  if (error instanceof SuppressedError)
    return [...explainError(error.suppressed), ...explainError(error.error)]
  if (EXPLAINED.some((kind) => error instanceof kind)) return [(error as Error).message]
  return explainSystemError(error)
}

/** Errors whose message is for the operator. */
const EXPLAINED = [FileError, StoreError, SealError, PlatformError, OutputError, LostSecretError]

function explainIssue({ path, message }: Issue): string {
  return `${toOptionName(path)} ${message}`
}

function explainSystemError(error: unknown): readonly string[] {
  const { code, syscall, address, port, message } = error as Record<string, string | undefined>
  if (code === 'EADDRINUSE')
    return [`${address}:${port} is in use; set USHER_PORT, or USHER_METRICS_PORT, to another port`]
  if (syscall === 'listen' || syscall === 'getaddrinfo')
    return [`cannot listen on USHER_HOST and USHER_PORT: ${message}`]
  return (error instanceof Error ? (error.stack ?? error.message) : String(error)).split('\n')
}
