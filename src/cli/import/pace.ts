import { setTimeout as pause } from 'node:timers/promises'
import { isServed, toSqlitePath } from '../../store/open.ts'
import type { Opened } from '../command.ts'

/**
 * The number of rows of one commit. While a server uses the same SQLite file, it waits for each commit, so they are
 * short. On PostgreSQL changes of the users of a commit wait for it, too. If no server runs, larger commits on SQLite
 * write fewer pages: with 20,000 rows it is 40 % less than with 10,000.
 */
const ROWS = { alone: 20_000, shared: 250 } as const
/** The pause between two commits in which a server can write: it tries every 10 ms. */
const REST_MS = 15
/** How often it is looked whether a server runs. */
const LOOK_MS = 1_000

/** How fast a command may write while others use the store. */
export interface Pace {
  /** Returns the number of rows of the next commit. */
  readonly size: () => number
  /** Waits before the next commit, if others have to get their turn. */
  readonly rest: () => Promise<void>
}

/** Makes the pace of a command that writes much. */
export function newPace({ config }: Pick<Opened, 'config'>): Pace {
  const path = toSqlitePath(config.databaseUrl)
  if (path === null) return { size: () => ROWS.shared, rest: async () => undefined }
  let [served, lookedAt] = [false, Number.NEGATIVE_INFINITY]
  const look = (): boolean => {
    const now = performance.now()
    if (now - lookedAt > LOOK_MS) [served, lookedAt] = [isServed(path), now]
    return served
  }
  return {
    size: () => (look() ? ROWS.shared : ROWS.alone),
    async rest() {
      if (look()) await pause(REST_MS)
    },
  }
}
