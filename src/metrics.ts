import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What is counted and timed. Labels are few-valued; ids belong into the log. */
export interface Metrics {
  readonly registry: Registry
  /** One answered request. */
  observeRequest(operation: string, status: number, seconds: number): void
  /** One commit of the store. */
  observeCommit(units: number): void
  /** One attempt to bring an account to its platform. */
  observeAttempt(outcome: string, seconds: number): void
  /** Asks for the backlog of accounts whenever the metrics are read. */
  watchBacklog(read: () => Promise<BacklogFigures>): void
}

interface BacklogFigures {
  readonly waiting: number
  readonly failing: number
  readonly parked: number
  readonly oldestSeconds: number
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function newMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'usher_requests_total',
    help: 'Answered requests by operation and status.',
    labelNames: ['operation', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'usher_request_duration_seconds',
    help: 'Time from a request to its answer, by operation.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers,
  })
  const commits = new Counter({
    name: 'usher_store_commits_total',
    help: 'Commits that reached the disk.',
    registers,
  })
  const units = new Histogram({
    name: 'usher_store_units_per_commit',
    help: 'Units of work that shared one commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  })
  return {
    registry,
    observeRequest(operation, status, seconds) {
      requests.inc({ operation, status })
      durations.observe({ operation }, seconds)
    },
    observeCommit(count) {
      commits.inc()
      units.observe(count)
    },
    ...newProvisioningMetrics(registers),
  }
}

function newProvisioningMetrics(registers: Registry[]): Pick<Metrics, 'observeAttempt' | 'watchBacklog'> {
  const attempts = new Counter({
    name: 'usher_platform_attempts_total',
    help: 'Attempts to bring an account to its platform, by how they ended.',
    labelNames: ['outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'usher_platform_attempt_duration_seconds',
    help: 'Time that an attempt to bring an account to its platform took, by how it ended.',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers,
  })
  return {
    observeAttempt(outcome, seconds) {
      attempts.inc({ outcome })
      durations.observe({ outcome }, seconds)
    },
    watchBacklog(read) {
      // One look at the store answers for all gauges of a scrape.
      let reading: Promise<BacklogFigures> | undefined
      const share = (): Promise<BacklogFigures> => {
        reading ??= read()
          .catch(() => UNKNOWN)
          .finally(() => {
            reading = undefined
          })
        return reading
      }
      for (const { name, help, of } of BACKLOG_GAUGES)
        new Gauge({
          name,
          help,
          registers,
          async collect() {
            this.set(of(await share()))
          },
        })
    },
  }
}

/** While the store is down everything else is to be seen all the more. */
const UNKNOWN: BacklogFigures = { waiting: NaN, failing: NaN, parked: NaN, oldestSeconds: NaN }

const BACKLOG_GAUGES: readonly { name: string; help: string; of: (figures: BacklogFigures) => number }[] = [
  {
    name: 'usher_accounts_unapplied',
    help: 'Accounts whose wanted state has not been applied to their platform yet: waiting, failing and parked ones.',
    of: ({ waiting, failing, parked }) => waiting + failing + parked,
  },
  {
    name: 'usher_accounts_waiting',
    help: 'Accounts that are not applied, and of which no attempt has failed.',
    of: ({ waiting }) => waiting,
  },
  {
    name: 'usher_accounts_failing',
    help: 'Accounts that are not applied since the last attempt failed, and are tried again within minutes.',
    of: ({ failing }) => failing,
  },
  {
    name: 'usher_accounts_parked',
    help: 'Accounts that fail while their platform is well, and wait for somebody to look.',
    of: ({ parked }) => parked,
  },
  {
    name: 'usher_accounts_oldest_unapplied_seconds',
    help: 'How long the oldest account that is not applied has been wanted; 0 when there is none.',
    of: ({ oldestSeconds }) => oldestSeconds,
  },
]
