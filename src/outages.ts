import { IssuerUnavailableError } from './auth/auth-error.ts'
import type { Directory } from './directory/directory.ts'
import { KeysUnreadableError } from './directory/sealing/sealer.ts'
import type { Logger } from './logger.ts'
import { DirectoryError } from './model/error.ts'
import { PlatformError, type Platforms } from './platform/platform.ts'
import { StoreError } from './store/port.ts'

/**
 * The pause between two checks of a system that fails, in milliseconds. An outage ends with a check that succeeds after a
 * pause without failures.
 */
const CHECK_MS = 5_000

/** The log of a server, in which an outage has one line when it begins and one when it ends, with a count. */
export interface OutageLog {
  /**
   * Like the log that it was made of. A warning or an error about an outage is counted instead; at level `debug` it is
   * logged too.
   */
  readonly log: Logger
  /** The directory, which also counts the reads of secrets whose audit entries could not be written. */
  readonly dir: Directory
  /** Ends all checks, and logs the counts of outages that have not ended. */
  stop(): void
}

/** Makes the log of a server that uses this directory and these platforms. */
export function newOutageLog(
  log: Logger,
  { dir, platforms }: { readonly dir: Directory; readonly platforms: Platforms },
): OutageLog {
  const checkStore = async (): Promise<void> => {
    await dir.store.heartbeat()
    dir.sealer.seal('', 'check')
  }
  const store = new Outage(log, checkStore, ['the store is not available', 'the store is available again'])
  const platform = new Outage(log, () => checkPlatforms(platforms), [
    'the platform is not available',
    'the platform is available again',
  ])
  const audit = new Outage(log, checkStore, [
    'secrets are read without audit entries',
    'reads of secrets leave audit entries again',
  ])
  const count = (error: unknown): boolean => {
    const cause = findCause(error)
    if (cause === 'store') store.report(error)
    if (cause === 'platform') platform.report(error)
    return cause !== 'bug'
  }
  return {
    log: withoutOutages(log, count),
    dir: { ...dir, reportUnrecorded: (error) => audit.report(error) },
    stop() {
      for (const outage of [store, platform, audit]) outage.stop()
    },
  }
}

/**
 * Returns which system an error comes from. `known` stands for a failure that needs no line of its own: the removal of
 * an account is not finished, or an issuer is not available, which the log of its keys says.
 */
function findCause(error: unknown): 'store' | 'platform' | 'known' | 'bug' {
  if (error instanceof StoreError || error instanceof KeysUnreadableError) return 'store'
  if (error instanceof PlatformError) return 'platform'
  if (error instanceof IssuerUnavailableError) return 'known'
  if (!(error instanceof DirectoryError)) return 'bug'
  if (error.code === 'store_unavailable') return 'store'
  if (error.code === 'platform_unavailable') return 'platform'
  return error.code === 'account_being_removed' ? 'known' : 'bug'
}

async function checkPlatforms(platforms: Platforms): Promise<void> {
  const statuses = await Promise.all([...platforms.values()].map((one) => one.status()))
  if (statuses.some(({ health }) => health !== 'NORMAL')) throw new PlatformError('a platform is not healthy')
}

/** @param count counts an error if it belongs to an outage; returns false for any other error */
function withoutOutages(log: Logger, count: (error: unknown) => boolean): Logger {
  const filter =
    (level: 'warn' | 'error') =>
    (fields: { readonly err?: unknown }, message?: string): void => {
      const isCounted = fields.err !== undefined && count(fields.err)
      log[isCounted ? 'debug' : level](fields, message)
    }
  return Object.assign(Object.create(log) as Logger, { warn: filter('warn'), error: filter('error') })
}

/** Counts the failures of one system, and logs when they begin and when they end. */
class Outage {
  readonly #log: Logger
  readonly #check: () => Promise<void>
  readonly #messages: readonly [begun: string, ended: string]
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #failures = 0
  #failuresAtCheck = 0
  #since = 0

  /** @param check rejects while the system fails */
  constructor(log: Logger, check: () => Promise<void>, messages: readonly [begun: string, ended: string]) {
    this.#log = log
    this.#check = check
    this.#messages = messages
  }

  report(error: unknown): void {
    this.#failures++
    if (this.#failures > 1) return
    this.#since = performance.now()
    this.#log.error({ reason: toReason(error) }, this.#messages[0])
    this.#checkLater()
  }

  #checkLater(): void {
    if (this.#stopped) return
    this.#failuresAtCheck = this.#failures
    this.#timer = setTimeout(() => {
      this.#check().then(
        () => this.#end(),
        () => this.#checkLater(),
      )
    }, CHECK_MS)
    // An outage does not keep the process alive.
    this.#timer.unref()
  }

  /** Ends the outage after a check that succeeded, unless there were failures in the pause before it. */
  #end(): void {
    if (this.#failures > this.#failuresAtCheck) {
      this.#checkLater()
    } else {
      this.#log.info(this.#measure(), this.#messages[1])
      this.#failures = 0
    }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    if (this.#failures > 0) this.#log.error(this.#measure(), this.#messages[0])
  }

  #measure(): object {
    return { failures: this.#failures, seconds: Math.round((performance.now() - this.#since) / 1000) }
  }
}

/** Returns the message of an error, or that of its cause, which is for the operator and says more. */
function toReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof DirectoryError && error.cause instanceof Error ? error.cause.message : error.message
}
