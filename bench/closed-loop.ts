/**
 * Lets callers work for some seconds, each of them one call after the other.
 * @param callers one function for each caller
 * @param signal ends the load early
 * @returns how long each call took, and how long all of it took, in milliseconds
 */
export async function runClosedLoop(
  callers: readonly (() => Promise<unknown>)[],
  seconds: number,
  signal?: AbortSignal,
): Promise<{ readonly times: readonly number[]; readonly passed: number }> {
  const times: number[] = []
  const begun = performance.now()
  const end = begun + seconds * 1000
  await Promise.all(
    callers.map(async (call) => {
      while (performance.now() < end && !signal?.aborted) {
        const at = performance.now()
        await call()
        times.push(performance.now() - at)
      }
    }),
  )
  return { times, passed: performance.now() - begun }
}
