/** The time that some work may take. */
export interface TimeLimit<T> {
  readonly ms: number
  /** Ends the work early, in the same way as the time limit. */
  readonly stopping?: AbortSignal
  /** Called when the work has not ended in time. Returns the result in place of the work's, or throws. */
  readonly late: () => T
}

/**
 * Runs work with a time limit. When the time is over or `stopping` aborts, the signal of the work aborts, and the
 * result of `late` is returned at once, whether the work reacts to its signal or not.
 * @throws what work throws, and what `late` throws
 */
export async function withDeadline<T>(
  { ms, stopping, late }: TimeLimit<T>,
  work: (deadline: AbortSignal) => Promise<T>,
): Promise<T> {
  // Not AbortSignal.timeout: its timer goes on after the work has ended, and there are thousands of them.
  const deadline = new AbortController()
  const end = (): void => deadline.abort()
  const over = new Promise<void>((resolve) => {
    deadline.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const timer = setTimeout(end, ms)
  stopping?.addEventListener('abort', end)
  if (stopping?.aborted) end()
  try {
    return await Promise.race([work(deadline.signal), over.then(late)])
  } finally {
    clearTimeout(timer)
    stopping?.removeEventListener('abort', end)
  }
}
