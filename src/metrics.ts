import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { shareFor } from './share-for.ts'

/** The program's metrics. Labels have few values; ids go in the log. */
export interface Metrics {
  /** Counts and times one request. */
  observeRequest(operation: string, status: number, seconds: number): void
  /** Counts one commit of the store, and how many units of work shared it. */
  observeCommit(units: number): void
  /** Counts and times one attempt to apply an account to its platform. */
  observeAttempt(outcome: string, seconds: number): void
  /** Sets the function that reads the backlog of accounts at each scrape. */
  watchBacklog(read: () => Promise<BacklogFigures>): void
  /** Returns all metrics in Prometheus' text format. */
  read(): Promise<{ contentType: string; text: string }>
}

interface BacklogFigures {
  readonly waiting: number
  readonly failing: number
  readonly parked: number
  readonly oldestSeconds: number
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Creates the program's metrics, including those of the Node process. */
export function newMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    ...newServingMetrics(registers),
    ...newProvisioningMetrics(registers),
    read: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}

function newServingMetrics(registers: Registry[]): Pick<Metrics, 'observeRequest' | 'observeCommit'> {
  const requests = new Counter({
    name: 'usher_requests_total',
    help: 'Requests by operation and status.',
    labelNames: ['operation', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'usher_request_duration_seconds',
    help: 'Time from a request to its response, by operation.',
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
    observeRequest(operation, status, seconds) {
      requests.inc({ operation, status })
      durations.observe({ operation }, seconds)
    },
    observeCommit(count) {
      commits.inc()
      units.observe(count)
    },
  }
}

function newProvisioningMetrics(registers: Registry[]): Pick<Metrics, 'observeAttempt' | 'watchBacklog'> {
  const attempts = new Counter({
    name: 'usher_platform_attempts_total',
    help: 'Attempts to apply an account to its platform, by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'usher_platform_attempt_duration_seconds',
    help: 'Duration of an attempt to apply an account to its platform, by outcome.',
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
      // The gauges of one scrape share one query.
      const share = shareFor(0, () => read().catch(() => UNKNOWN))
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

/** The backlog while the store is down, so that the other metrics are still shown. */
const UNKNOWN: BacklogFigures = { waiting: NaN, failing: NaN, parked: NaN, oldestSeconds: NaN }

const BACKLOG_GAUGES: readonly { name: string; help: string; of: (figures: BacklogFigures) => number }[] = [
  {
    name: 'usher_accounts_unapplied',
    help: 'Accounts whose desired state is not applied to their platform yet: waiting, failing and parked.',
    of: ({ waiting, failing, parked }) => waiting + failing + parked,
  },
  {
    name: 'usher_accounts_waiting',
    help: 'Accounts that are not applied yet and have no failed attempt.',
    of: ({ waiting }) => waiting,
  },
  {
    name: 'usher_accounts_failing',
    help: 'Accounts whose last attempt failed; they are retried within minutes.',
    of: ({ failing }) => failing,
  },
  {
    name: 'usher_accounts_parked',
    help: 'Accounts that keep failing on a healthy platform; an operator must look at them.',
    of: ({ parked }) => parked,
  },
  {
    name: 'usher_accounts_oldest_unapplied_seconds',
    help: 'Age of the oldest desired state that is not applied; 0 if there is none.',
    of: ({ oldestSeconds }) => oldestSeconds,
  },
]
