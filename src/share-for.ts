/**
 * Wraps work so that its callers share results. A call gets the promise of the earlier call if that is still running,
 * or began less than `ms` milliseconds ago. Failures are shared too.
 */
export function shareFor<T>(ms: number, work: () => Promise<T>): () => Promise<T> {
  let last: { readonly beganAt: number; readonly result: Promise<T>; isRunning: boolean } | undefined
  return () => {
    const now = performance.now()
    if (last && (last.isRunning || now - last.beganAt < ms)) return last.result
    const result = work()
    const call = { beganAt: now, result, isRunning: true }
    const end = (): void => {
      call.isRunning = false
    }
    result.then(end, end)
    last = call
    return result
  }
}
