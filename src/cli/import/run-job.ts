import { setTimeout as pause } from 'node:timers/promises'
import { getJob } from '../../directory/jobs/jobs.ts'
import type { AnyJobKind } from '../../directory/jobs/kind.ts'
import { JobRunner, type Progress } from '../../directory/jobs/runner.ts'
import { DirectoryError } from '../../model/error.ts'
import { type Opened, type Session, stopSignal } from '../command.ts'

/** How often a step is tried again while the store cannot be written, and the pause before that. */
const TRIES = 10
const RETRY_MS = 1_000

/**
 * Runs a job of the command line to its end, or until the process is asked to stop.
 * @throws {DirectoryError} `job_ended` if the job has failed, was stopped, or another process has taken it over;
 *   `store_unavailable`
 */
export async function runJob(
  session: Session,
  { dir, ctx }: Pick<Opened, 'dir' | 'ctx'>,
  job: { kind: AnyJobKind; jobPk: number; jobId: string; report: (progress: Progress) => void },
): Promise<void> {
  const stopping = stopSignal(session)
  const runner = new JobRunner(dir, [job.kind], { error: () => undefined })
  for (let tries = 1; ; tries++) {
    try {
      const turn = await runner.run(job.jobPk, {
        stopping,
        report(progress) {
          tries = 0
          job.report(progress)
        },
      })
      if (turn === 'paused') return
      break
    } catch (error) {
      const isBusy = error instanceof DirectoryError && error.code === 'store_unavailable'
      if (!isBusy || tries >= TRIES) throw error
      await pause(RETRY_MS, undefined, { signal: stopping }).catch(() => undefined)
    }
  }
  const { state, error } = await getJob(dir, ctx, job.jobId)
  if (state === 'failed') throw new DirectoryError('job_ended', error ?? 'The job has failed.')
  if (state !== 'succeeded') throw new DirectoryError('job_ended', LOST)
}

const LOST = 'It was stopped, or another process has taken it over.'
