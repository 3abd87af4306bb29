import type { Context } from '../model/context.ts'
import type { Job, JobState } from '../model/jobs.ts'
import { headBlock } from '../store/audit/blocks.ts'
import { type NamedCaller, selectCallerNames } from '../store/audit/log-names.ts'
import type { AuditCheck, AuditVerdict } from '../store/port.ts'
import { selectNewestJob } from '../store/tables/jobs.ts'
import { addMissingStart } from './audit.ts'
import type { Directory } from './directory.ts'
import { beginJob } from './jobs/jobs.ts'
import type { JobKind } from './jobs/kind.ts'
import type { Scope } from './reach.ts'
import { runRead, runUnit } from './unit.ts'

/** The most faults that the result of a job keeps. */
const KEPT_FAULTS = 100
/** The greatest total of a job: a forged block may have any number. */
const MAX_TOTAL = 2 ** 31 - 1

/** Checks the audit log in parts. Its result is an `AuditVerdict`; its items are blocks. */
export const VERIFY_AUDIT: JobKind<null, AuditCheck, AuditCheck> = {
  operation: 'VerifyAudit',
  async prepare(dir, { cursor }) {
    const check = await dir.store.checkAudit(cursor)
    return check.verdict ? { ...check, verdict: await addMissingStart(dir, check.verdict) } : check
  },
  async step(unit, _, check) {
    const { verdict, blocks: done } = check
    if (!verdict) return { cursor: check, done }
    await unit.audit({ outcome: verdict.faultCount === 0 ? 'whole' : 'damaged', target: null })
    return { result: { ...verdict, faults: verdict.faults.slice(0, KEPT_FAULTS) }, done }
  },
}

/** A verification with the name of who began it. */
export interface VerificationRun {
  readonly job: Job
  readonly user: NamedCaller | null
}

/** The verification that runs or waits, and the last one that has ended; null for none. */
export interface Verification {
  readonly running: VerificationRun | null
  /** `verdict` is null if the job itself failed. */
  readonly last: (VerificationRun & { readonly verdict: AuditVerdict | null }) | null
}

const OPEN: readonly JobState[] = ['waiting', 'running']
const ENDED: readonly JobState[] = ['succeeded', 'failed']

/**
 * Begins to verify the audit log of the whole directory, unless a verification runs already.
 * @throws {DirectoryError} `not_permitted`, `idempotency_key_reused`, `store_unavailable`
 */
export async function beginVerification(dir: Directory, ctx: Context): Promise<Verification> {
  await runUnit(dir, ctx, { operation: 'VerifyAudit' }, async (unit) => {
    const open = await findJob(unit, OPEN)
    if (open) return { jobId: open.id }
    const head = await unit.tx.get(headBlock, {})
    await unit.audit({ outcome: 'begun' })
    const total = Math.min(head?.number ?? 0, MAX_TOTAL)
    return { jobId: await beginJob(unit, VERIFY_AUDIT, { input: null, total }) }
  })
  return getVerification(dir, ctx)
}

/**
 * Returns the verification that runs, and the last result. Jobs are kept for 90 days.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function getVerification(dir: Directory, ctx: Context): Promise<Verification> {
  return runRead(dir, ctx, 'VerifyAudit', async (scope) => {
    const [running, last] = [await findJob(scope, OPEN), await findJob(scope, ENDED)]
    const callers = [running, last].flatMap((job) => (job ? [job.caller] : []))
    const { providerPk } = ctx.organization
    const names = await selectCallerNames(scope.tx, callers, { providerPk, reseller: undefined })
    const toRun = (job: Job): VerificationRun => ({
      job,
      user: job.caller.kind === 'operator' ? null : (names.get(job.caller.id) ?? null),
    })
    return {
      running: running ? toRun(running) : null,
      last: last ? { ...toRun(last), verdict: last.result as AuditVerdict | null } : null,
    }
  })
}

function findJob({ tx, ctx }: Scope, states: readonly JobState[]): Promise<Job | undefined> {
  const { providerPk } = ctx.organization
  return selectNewestJob(tx, { kind: VERIFY_AUDIT.operation, providerPk, states })
}
