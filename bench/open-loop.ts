import { setTimeout as pause } from 'node:timers/promises'

/** The shortest pause of a timer of Node. Calls that become due meanwhile go out together. */
const TICK_MS = 1

/**
 * Makes calls at a constant rate, whether earlier ones have ended or not. A call counts from the moment when it was due,
 * so what it waits for a free caller counts too, and a server that stops for a moment is seen by every call that was
 * due then. (A closed loop makes fewer calls while the server is slow: "coordinated omission".)
 * @param callers one function for each call that can run at once
 * @param load.perSecond the rate
 * @param load.signal ends the load early
 * @returns how long each call took, in milliseconds
 * @throws {Error} when a call failed
 */
export async function runOpenLoop(
  callers: readonly (() => Promise<unknown>)[],
  { perSecond, seconds, signal }: { perSecond: number; seconds: number; signal?: AbortSignal | undefined },
): Promise<readonly number[]> {
  const times: number[] = []
  const total = Math.floor(perSecond * seconds)
  const idle = [...callers]
  const running = new Set<Promise<void>>()
  const begun = performance.now()
  const dueAt = (i: number): number => begun + (i * 1000) / perSecond
  let next = 0
  let failure: unknown
  const run = async (call: () => Promise<unknown>, due: number): Promise<void> => {
    await call()
    times.push(performance.now() - due)
    idle.push(call)
    start()
  }
  const start = (): void => {
    const now = performance.now()
    while (next < total && dueAt(next) <= now) {
      const call = idle.shift()
      if (!call) return
      const one: Promise<void> = run(call, dueAt(next++))
        .catch((error) => {
          failure ??= error
        })
        .finally(() => running.delete(one))
      running.add(one)
    }
  }
  while (next < total && failure === undefined && !signal?.aborted) {
    await pause(TICK_MS)
    start()
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure
  return times
}
