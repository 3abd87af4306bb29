import type { Command } from 'commander'
import { getJob, listJobs, resumeJob, stopJob } from '../directory/jobs/jobs.ts'
import { JOB_KINDS } from '../directory/jobs/kinds.ts'
import { JOB_STATES, type Job, type JobState } from '../model/jobs.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { LIMIT, newChoice, parseNumber } from './options.ts'
import { cutPage, describeMore } from './pages.ts'
import { formatMembers, formatTable } from './table.ts'

/** `usher job`: long work that goes on after the call or the command that began it. */
export function defineJob(job: Command, session: Session): void {
  job
    .command('list')
    .description('List jobs, newest first')
    .addOption(newChoice('--state <state>', 'List only jobs in this state', JOB_STATES))
    .option('--operation <name>', 'List only jobs of this operation, for example DeleteCustomer')
    .option('--before <number>', 'Next page: list only jobs before the one with this number', parseNumber)
    .option(...LIMIT, 100)
    .action(action(session, (options: ListOptions) => list(session, options)))
  job
    .command('show')
    .description('Show a job, with its progress and its result')
    .argument('<id>', 'Id of the job')
    .action(action(session, (id: string) => show(session, id)))
  job
    .command('stop')
    .description('Stop a job; what it has done stays')
    .argument('<id>', 'Id of the job')
    .action(action(session, (id: string) => stop(session, id)))
  job
    .command('resume')
    .description('Let a stopped or failed job go on where it was; a running server runs it within a second')
    .argument('<id>', 'Id of the job')
    .action(action(session, (id: string) => resume(session, id)))
}

interface ListOptions {
  readonly state?: JobState
  readonly operation?: string
  readonly before?: number
  readonly limit: number
}

function list(session: Session, { state, operation, before, limit }: ListOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const filter = { state, kind: operation, before, limit: limit + 1 }
    const { items, more } = cutPage(await listJobs(dir, ctx, filter), limit)
    const rows = items.map((one) => [
      ...[String(one.pk), one.id, one.kind, one.state, formatProgress(one)],
      ...[one.target, one.createdAt, one.error],
    ])
    const note = more ? describeMore(limit, `--before ${items.at(-1)?.pk}`) : undefined
    return { json: items.map(toJson), lines: formatTable(HEADINGS, rows), note }
  })
}

const HEADINGS = 'NUMBER ID OPERATION STATE DONE TARGET CREATED ERROR'.split(' ')

function formatProgress({ done, total }: Job): string {
  return total === null ? String(done) : `${done} of ${total}`
}

function show(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => describe(await getJob(dir, ctx, id)))
}

function stop(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const job = await stopJob(dir, ctx, id)
    return { json: toJson(job), lines: [`Stopped ${id} after ${formatProgress(job)}.`] }
  })
}

function resume(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const job = await resumeJob(dir, ctx, id)
    const isServed = JOB_KINDS.some(({ operation }) => operation === job.kind)
    const who = isServed ? '' : ' when the command that began it runs again'
    return { json: toJson(job), lines: [`${id} goes on after ${formatProgress(job)}${who}.`] }
  })
}

function toJson({ pk, kind, caller, ...job }: Job): object {
  return { number: pk, operation: kind, ...job, caller: formatCaller(caller) }
}

function describe(job: Job): Output {
  const lines = formatMembers([
    ['Id', job.id],
    ['Operation', job.kind],
    ['State', job.state],
    ['Done', formatProgress(job)],
    ['Target', job.target],
    ['Organization', job.organizationId],
    ['Caller', formatCaller(job.caller)],
    ['Correlation id', job.correlationId],
    ['Created', job.createdAt],
    ['Started', job.startedAt],
    ['Ended', job.endedAt],
    ['Error', job.error],
    ['Result', job.result === null ? null : JSON.stringify(job.result)],
  ])
  return { json: toJson(job), lines }
}
