import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What is counted and timed. Labels are few-valued; ids belong into the log. */
export interface Metrics {
  readonly registry: Registry
  /** One answered request. */
  observeRequest(operation: string, status: number, seconds: number): void
  /** One commit of the store. */
  observeCommit(units: number): void
  /** Asks for the backlog of accounts whenever the metrics are read. */
  watchBacklog(read: () => Promise<{ count: number; oldestSeconds: number }>): void
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
    watchBacklog(read) {
      new Gauge({
        name: 'usher_accounts_unapplied',
        help: 'Accounts whose wanted state has not been applied to their platform yet.',
        registers,
        async collect() {
          this.set((await read()).count)
        },
      })
      new Gauge({
        name: 'usher_accounts_oldest_unapplied_seconds',
        help: 'How long the oldest account that is not applied has been wanted; 0 when there is none.',
        registers,
        async collect() {
          this.set((await read()).oldestSeconds)
        },
      })
    },
  }
}
