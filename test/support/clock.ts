import { mock } from 'node:test'

/**
 * Runs work at a clock that stands still until it is moved: that of `Date` and that of `performance`, by which caches
 * age.
 * @param work moves the clock on by calling its parameter
 */
export async function withClock(work: (pass: (ms: number) => void) => Promise<void>): Promise<void> {
  // A whole number, so that sums of it are exact.
  let age = Math.ceil(performance.now())
  const aging = mock.method(performance, 'now', () => age)
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  try {
    await work((ms) => {
      age += ms
      mock.timers.setTime(Date.now() + ms)
    })
  } finally {
    mock.timers.reset()
    aging.mock.restore()
  }
}
