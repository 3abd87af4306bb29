/**
 * Runs work until it ends, a time is over, or the caller stops. In the latter cases the signal of work aborts, and
 * `late` answers in its place at once, whether work heeds the signal or not.
 * @param ms how long work may take
 * @throws what work throws, and what `late` throws
 */
export async function withDeadline<T>(
  ms: number,
  work: (deadline: AbortSignal) => Promise<T>,
  late: () => T,
  stopping?: AbortSignal,
): Promise<T> {
  // Not AbortSignal.timeout: its timers go on after work has ended, and there are thousands of them.
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
