import { type FailedTry, retry } from '../../retry.ts'
import { isTransient } from './errors.ts'

/** Pauses before the retries of one call. Longer faults are left to the reconciler. */
const RETRY_PAUSES_MS = [50, 100, 200, 400]

/**
 * Retries a call after transient faults. Every call to a gateway may be repeated: it is a read, or ends in a read.
 * @throws {PlatformError} what the last try throws
 */
export function withRetries<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const decide = ({ error, tries }: FailedTry): number => {
    const pauseMs = RETRY_PAUSES_MS[tries - 1]
    if (pauseMs === undefined || !isTransient(error) || signal.aborted) throw error
    return pauseMs
  }
  // If the signal aborts during a pause, the next call fails at once with the right message.
  return retry(call, decide, signal)
}
