import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'

/** Work that repeats in the background. */
export interface Loop {
  /** Ends the pause at once, waits for a running round, and starts no other round. */
  stop(): Promise<void>
}

interface Named {
  /** What the work does, for the log: `deleting expired records`. */
  readonly name: string
  readonly log: { error(fields: object, message: string): void }
}

/**
 * Starts a background loop. The first round runs at once; rounds never overlap. A round that throws is logged as
 * `<name> failed`, and the next one follows after the usual pause. The pauses do not keep the process alive.
 * @param settings.everyMs the pause between the end of one round and the start of the next
 * @param work one round; its signal aborts when the loop is stopped
 */
export function startLoop(
  { everyMs, ...named }: Named & { everyMs: number },
  work: (stopping: AbortSignal) => Promise<void>,
): Loop {
  const stopping = new AbortController()
  const { signal } = stopping
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await runRound(named, () => work(signal))
      await pause(everyMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    stop() {
      stopping.abort()
      return running
    },
  }
}

/** Runs work once, and logs a failure in the same way as a loop. Never throws. */
export async function runRound({ name, log }: Named, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.error({ err: error }, `${name} failed`)
  }
}

/** How long the process is watched before some batches, and how long these take, in milliseconds. */
const WATCH_MS = 20
const WORK_MS = 20
/** The share of time that the process works, from which on it is busy. Then one batch follows, and above MAX none. */
const BUSY = 0.5
const MAX_BUSY = 0.9
/** The share from which on requests may wait for a batch, so that it should be small. */
const QUIET = 0.1

/**
 * Runs batches of work that can wait, until none is left or the process is busy: requests come first.
 * @param batch does a few milliseconds of work, and less if requests may wait for it. Returns whether there is more
 */
export async function runWhenIdle(
  stopping: AbortSignal,
  batch: (isWaitedFor: boolean) => Promise<boolean>,
): Promise<void> {
  while (!stopping.aborted) {
    const load = await measureLoad(stopping)
    if (load > MAX_BUSY) return
    const until = performance.now() + WORK_MS
    do {
      if (!(await batch(load >= QUIET))) return
    } while (!stopping.aborted && load < BUSY && performance.now() < until)
    if (load >= BUSY) return
  }
}

/** Returns the share of the next milliseconds in which the process works. */
async function measureLoad(stopping: AbortSignal): Promise<number> {
  const before = performance.eventLoopUtilization()
  await pause(WATCH_MS, undefined, { signal: stopping, ref: false }).catch(() => undefined)
  return performance.eventLoopUtilization(before).utilization
}
