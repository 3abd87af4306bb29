import { after, before } from 'node:test'
import type { NewClient } from '../../testing/operator.ts'
import { type StartedTarget, startTarget, type Target } from '../../testing/target.ts'
import { getToken, type Settings } from '../../testing/usher.ts'

export type { AuditRow, Person } from '../../testing/operator.ts'
export { type Reachable, startTarget, type Target } from '../../testing/target.ts'

/** The servers that files of this process share, by their settings, with the number of files that still need each. */
const shared = new Map<string, { users: number; starting?: Promise<StartedTarget> }>()

/** What a file does with its target before its tests. Hooks of a file run side by side, so this is no hook of its own. */
type Prepare = () => Promise<void>

/**
 * Gives the tests of a file a target. Files of one process that want the same settings share a server; each has a
 * customer of its own there, in place of the example's.
 * @param settings environment variables of the server
 * @param prepare runs before the tests, once the target is there
 */
export function useTarget(settings: Settings = {}, prepare?: Prepare): Target {
  const key = JSON.stringify(settings)
  const entry = shared.get(key) ?? { users: 0 }
  shared.set(key, entry)
  entry.users++
  return handle(
    () => {
      entry.starting ??= startTarget(settings)
      return entry.starting
    },
    async (target) => {
      if (--entry.users > 0) return
      shared.delete(key)
      await target.end()
    },
    prepare,
  )
}

/**
 * Ends the servers that are left. The hooks of a file do not run if `--test-name-pattern` leaves out all of its tests,
 * so the file still counts as one that needs its server.
 */
export async function endSharedTargets(): Promise<void> {
  for (const { starting } of shared.values()) await (await starting)?.end()
  shared.clear()
}

/** As `useTarget`, with a server that no other file uses: for tests that look at everything it holds. */
export function useOwnTarget(settings: Settings = {}, prepare?: Prepare): Target {
  return handle(
    () => startTarget(settings),
    (target) => target.end(),
    prepare,
  )
}

/** A target that `before` starts and `after` ends. */
function handle(
  start: () => Promise<StartedTarget>,
  end: (target: StartedTarget) => Promise<void>,
  prepare: Prepare = async () => undefined,
): Target {
  let started: StartedTarget | undefined
  let customer = ''
  const get = (): StartedTarget => {
    if (!started) throw new Error('the target has not started: use it in tests or in prepare')
    return started
  }
  before(async () => {
    started = await start()
    customer = await started.operator.addCustomer(started.init.reseller.id)
    await prepare()
  })
  after(() => started && end(started))
  return {
    get url() {
      return get().url
    },
    get init() {
      return { ...get().init, customer: { id: customer } }
    },
    get token() {
      return get().token
    },
    get operator() {
      return get().operator
    },
    log: () => get().log(),
  }
}

/** Returns a token of a new client of an organization. */
export async function newToken(
  target: Target,
  organization: string,
  permission: NewClient['permission'] = 'administrator',
): Promise<string> {
  return getToken(target.url, await target.operator.addClient({ organization, permission }))
}
